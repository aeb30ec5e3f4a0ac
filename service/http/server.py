"""Runs the HTTP application within the gateway's event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn

from service.http.app import HttpParts, make_app
from service.http.connections import BoundedConnection
from service.security.server_tls import ServerTls
from service.settings import GatewaySettings

KEEP_ALIVE_S: Final = 65.0
"""How long an idle connection is kept: longer than load balancers do, so that they close first."""
LARGEST_HEAD_BYTES: Final = 32 * 1024


class _Server(uvicorn.Server):
    """Leaves the signals to the gateway."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """The HTTP surface at its port. `run` is its task.

    Args:
        settings: Limits.
        parts: What it stands on.
        listener: The socket that listens; closed when the server ends.
        tls: The certificates to show; None for a port without TLS.

    Attributes:
        url: Where it answers.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        parts: HttpParts,
        listener: socket.socket,
        *,
        tls: ServerTls | None = None,
    ) -> None:
        self._listener = listener
        port = listener.getsockname()[1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self.url = f"{'http' if tls is None else 'https'}://{host}:{port}"
        config = uvicorn.Config(
            make_app(settings, parts),
            http=BoundedConnection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=settings.http_max_connections,
            h11_max_incomplete_event_size=LARGEST_HEAD_BYTES,
            timeout_keep_alive=int(KEEP_ALIVE_S),
        )
        config.load()
        config.ssl = None if tls is None else tls.http_context()
        # Garbage on the port is nobody's fault here, and must not fill the log.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        self._server = _Server(config)
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Answers until `stop`."""
        try:
            await self._server.serve(sockets=[self._listener])
        finally:
            self._listener.close()
            self._ended.set()

    async def stop(self, grace_s: float) -> None:
        """Takes no more connections, and ends those that there are.

        Args:
            grace_s: How long answers under way may take, in seconds.
        """
        self._server.config.timeout_graceful_shutdown = max(1, round(grace_s))
        self._server.should_exit = True
        await self._ended.wait()
