"""The HTTP server: a thread per connection, so many calls at once, and a bounded body."""

from __future__ import annotations

import logging
import socket
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from model_server.rest.routes import Answer, Routes

_MAX_BODY_BYTES = 1 << 30
_IDLE_S = 60.0
logger = logging.getLogger(__name__)


class RestAddressError(Exception):
    """The server cannot listen where it was told to."""


class RestServer:
    """A running HTTP server.

    Args:
        routes: What it answers.
        host: Where it listens.
        port: Where it listens; 0: the system picks.
        max_calls: How many calls run at once; the surplus waits.

    Attributes:
        port: Where it listens, as it came out.

    Raises:
        RestAddressError: When the address is taken or makes no sense.
    """

    def __init__(self, routes: Routes, *, host: str, port: int, max_calls: int) -> None:
        self._max_calls = max_calls
        self._free_calls = threading.BoundedSemaphore(max_calls)
        handler = type(
            "RestHandler", (_Handler,), {"routes": routes, "free_calls": self._free_calls}
        )
        try:
            self._server = _server_class(host)((host, port), handler)
        except OSError as error:
            message = f"cannot listen on {host}:{port} for HTTP: {error.strerror}"
            raise RestAddressError(message) from error
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="http"
        )
        self._thread.start()

    def stop(self, grace_s: float) -> None:
        """Accepts no more connections, and waits until the calls have ended or the time is up."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        give_up_at = time.monotonic() + grace_s
        for _ in range(self._max_calls):
            if not self._free_calls.acquire(timeout=max(0, give_up_at - time.monotonic())):
                return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection broke, which is the caller's business alone."""
        logger.debug("An HTTP connection from %s broke", client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "heed-model-server", ""
    timeout = _IDLE_S
    wbufsize = -1  # head and body leave together
    disable_nagle_algorithm = True
    routes: ClassVar[Routes]
    free_calls: ClassVar[threading.BoundedSemaphore]

    def do_GET(self) -> None:
        if self.headers.get("Content-Length", "0") != "0":
            self.close_connection = True  # a body that is not read must not be taken for a call
        self._reply(b"")

    def do_POST(self) -> None:
        body = self._body()
        if body is not None:
            self._reply(body)

    def handle_expect_100(self) -> bool:
        """Tells a caller with a large body to go on, at once."""
        goes_on = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Requests are counted, not logged."""

    def _reply(self, body: bytes) -> None:
        path = unquote(urlsplit(self.path).path)
        with self.free_calls:
            try:
                answer = self.routes.answer(self.command, path, body)
            except Exception:  # a client must never see what went wrong inside
                logger.exception("A call failed")
                answer = Answer(500, "application/json", b'{"error": "internal error"}')
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _body(self) -> bytes | None:
        """The body, or None after a refusal; the connection is closed then."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
            return None
        if int(length) > _MAX_BODY_BYTES:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):  # the caller left
            self.close_connection = True
            return None
        return body

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        body = b'{"error": "%s"}' % status.phrase.encode()
        self._send(Answer(status.value, "application/json", body))


def _server_class(host: str) -> type[_Server]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return type("RestServer", (_Server,), {"address_family": family})
