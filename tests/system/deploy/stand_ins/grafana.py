"""A page in Grafana's place: healthy while everything that Grafana would read can be read.

`/api/health` is 200 then, and `/api/search` lists the dashboards' titles. It writes where Grafana
writes, as its user, so that the container's rights are those that Grafana has.
"""

import json
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROVISIONING = Path("/etc/grafana/provisioning")
DASHBOARDS = Path("/var/lib/grafana/dashboards")
DATABASE = Path("/var/lib/grafana/grafana.db")


def dashboards() -> list[dict[str, str]]:
    """Titles of all dashboards, read anew."""
    for folder in ("datasources", "dashboards"):
        for path in (PROVISIONING / folder).iterdir():
            path.read_text(encoding="utf-8")
    found = [json.loads(path.read_text(encoding="utf-8")) for path in DASHBOARDS.glob("*.json")]
    DATABASE.write_text(str(len(found)), encoding="utf-8")
    return [{"title": dashboard["title"]} for dashboard in found]


class Page(BaseHTTPRequestHandler):
    """Answers the two addresses."""

    def do_GET(self) -> None:
        answers = {"/api/health": {"database": "ok"}, "/api/search": dashboards()}
        answer = answers.get(self.path.partition("?")[0])
        self.send_response(404 if answer is None else 200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *arguments: object) -> None:
        """Keeps quiet."""


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ThreadingHTTPServer(("0.0.0.0", 3000), Page).serve_forever()
