"""Ports that several processes listen on together."""

from __future__ import annotations

import socket
import sys

from service.api.listening import AddressError


class SharedPort:
    """A port kept for processes of one gateway; the kernel spreads connections over them.

    It is bound here and listened on there. Somebody else's port is refused, although the kernel
    would let processes of one user share it.

    Args:
        host: An address of this machine, or its name.
        port: The port; 0 for any free one.

    Attributes:
        port: The port.

    Raises:
        AddressError: The address cannot be used, or this system cannot share ports.
    """

    def __init__(self, host: str, port: int) -> None:
        if not hasattr(socket, "SO_REUSEPORT"):
            raise AddressError(
                f"--workers needs SO_REUSEPORT, which {sys.platform} does not have; use 1"
            )
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM
            )[0]
            with socket.socket(family, kind, protocol) as alone:
                alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                alone.bind(address)
            self._socket = socket.socket(family, kind, protocol)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self._socket.bind(address)
        except (OSError, UnicodeError) as error:  # a name of nobody, or none at all
            raise AddressError(
                f"cannot listen on {host}:{port}: the port is in use, or the address is not this "
                "machine's; choose others with --host, --grpc-port and --http-port"
            ) from error
        self.port: int = self._socket.getsockname()[1]

    def close(self) -> None:
        """Gives the port back; processes that listen on it go on."""
        self._socket.close()
