"""The names by which the gateway may be called.

A page of any web site can have its own name lead to 127.0.0.1, and then call what listens there as
if it were its own server (DNS rebinding). Browsers say by which name they call.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.http.errors import refusal
from service.security.security import is_loopback

MISDIRECTED: Final = 421
_LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1")


def names_of(listening_host: str, allowed: Collection[str]) -> frozenset[str] | None:
    """The names to answer to; None for any.

    Args:
        listening_host: The address that the gateway listens on.
        allowed: Names that were set. Without any, only a gateway that this machine alone can
            reach asks for one of its own names.
    """
    if not allowed and not is_loopback(listening_host):
        return None
    own = {listening_host, *(_LOCAL_NAMES if is_loopback(listening_host) else ())}
    return frozenset(name.lower() for name in {*own, *allowed})


class KnownHosts:
    """Middleware that refuses calls by other names.

    Args:
        app: What answers the others.
        names: The names, in lower case.
    """

    def __init__(self, app: ASGIApp, names: frozenset[str]) -> None:
        self._app = app
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or refuses."""
        host = Headers(scope=scope).get("host") if scope["type"] == "http" else None
        if host is None or _without_port(host) in self._names:
            await self._app(scope, receive, send)
            return
        message = "the gateway does not answer to this name; --http-allowed-host adds names"
        await refusal(MISDIRECTED, message)(scope, receive, send)


def _without_port(host: str) -> str:
    """The name of a Host header: HOST, HOST:PORT or [IPV6]:PORT."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
