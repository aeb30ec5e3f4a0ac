"""The addresses that the gateway listens on, and what can go wrong with them."""

from __future__ import annotations

import socket
from typing import Final

_BACKLOG: Final = 1024


class AddressError(OSError):
    """The gateway cannot listen where it was told to."""


def listen_on(host: str, port: int, *, is_shared: bool = False) -> socket.socket:
    """A socket that listens for HTTP.

    Args:
        host: An address of this machine, or its name.
        port: The port; 0 for any free one.
        is_shared: Whether other processes listen on it, too.

    Raises:
        AddressError: The address cannot be used.
    """
    try:
        family, kind, protocol, *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )[0]
        # With the protocol named, asyncio sends small answers at once (TCP_NODELAY).
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:  # a name of nobody, or none at all
        raise _address_error(host, port) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if is_shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _address_error(host, port) from error
    listener.setblocking(False)
    return listener


def _address_error(host: str, port: int) -> AddressError:
    return AddressError(
        f"cannot listen on {host}:{port} for HTTP: the port is in use, or the address is not this "
        "machine's; choose others with --host and --http-port, or turn HTTP off with --no-http"
    )
