"""The gateway's health check: status 0 while at least one model can answer.

It looks at the same environment as the gateway. Over HTTP it asks /readyz. Where callers must show
a certificate, or there is no HTTP, it can only tell that the gateway accepts connections.
"""

import os
import socket
import ssl
import sys
import urllib.request

TIMEOUT_S = 5.0
NO = {"0", "false", "no", "off"}


def is_healthy(environment: "os._Environ[str]") -> bool:
    """Whether the gateway of this container answers."""
    http_port = int(environment.get("HEED_HTTP_PORT") or 8080)
    if environment.get("HEED_HTTP", "").lower() in NO:
        return _accepts(int(environment.get("HEED_GRPC_PORT") or 50051))
    if environment.get("HEED_TLS_CLIENT_CA"):
        return _accepts(http_port)
    scheme = "https" if environment.get("HEED_TLS_CERT") else "http"
    return _is_ready(f"{scheme}://127.0.0.1:{http_port}/readyz")


def _accepts(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S):
        return True


def _is_ready(url: str) -> bool:
    unchecked = ssl.create_default_context()  # its certificate bears another name than 127.0.0.1
    unchecked.check_hostname = False
    unchecked.verify_mode = ssl.CERT_NONE
    with urllib.request.urlopen(url, timeout=TIMEOUT_S, context=unchecked) as answer:
        return bool(answer.status == 200)


if __name__ == "__main__":
    try:
        sys.exit(0 if is_healthy(os.environ) else 1)
    except OSError as error:  # urllib's errors too
        print(f"not healthy: {error}", file=sys.stderr)
        sys.exit(1)
