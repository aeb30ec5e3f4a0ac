"""Where model servers are: what the user wrote, and the addresses that names stand for."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

_DNS_SCHEME: Final = "dns:///"
_HOST_AND_PORT: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/,]+):(?P<port>\d{1,5})")

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Finds the numeric addresses of a name and port, IPv4 and IPv6; raises OSError if it cannot."""


class AddressFormatError(ValueError):
    """An address is not of a form that is understood."""


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """One model server's address.

    Attributes:
        address: HOST:PORT, or unix:PATH.
        server_name: The name that its certificate must bear; empty for the host of the address.
    """

    address: str
    server_name: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What the user wrote: one model server, or a name that may stand for several.

    Attributes:
        host: A name, a numeric address, or "unix" for a socket in the file system.
        port: The port; 0 for a socket in the file system.
        path: The path of a socket in the file system; else empty.
    """

    host: str
    port: int
    path: str = ""

    @property
    def is_name(self) -> bool:
        """Whether it must be looked up."""
        return not self.path and not _is_numeric(self.host)

    @property
    def endpoint(self) -> Endpoint:
        """The address as it was written."""
        return Endpoint(f"unix:{self.path}" if self.path else f"{self.host}:{self.port}")


def parse_target(text: str) -> Target:
    """Reads HOST:PORT, dns:///HOST:PORT, [IPV6]:PORT or unix:PATH.

    Raises:
        AddressFormatError: It is none of them.
    """
    if text.startswith("unix:") and len(text) > len("unix:"):
        return Target("unix", 0, text.removeprefix("unix:"))
    found = _HOST_AND_PORT.fullmatch(text.removeprefix(_DNS_SCHEME))
    if found is None or not 1 <= int(found["port"]) <= 65_535:
        raise AddressFormatError(
            f"expected HOST:PORT, dns:///HOST:PORT, [IPV6]:PORT or unix:PATH, for example "
            f"127.0.0.1:8500, got {text!r}"
        )
    return Target(found["host"], int(found["port"]))


async def resolve_name(host: str, port: int) -> Sequence[str]:
    """Asks the system for the addresses of a name.

    It may take long and cannot be interrupted. So it happens in a thread that the end of the
    process does not wait for, which the event loop's own threads are.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Sequence[str]] = loop.create_future()

    def settle(addresses: Sequence[str] | OSError) -> None:
        if answer.done():
            return
        if isinstance(addresses, OSError):
            answer.set_exception(addresses)
        else:
            answer.set_result(addresses)

    def look_up() -> None:
        outcome: Sequence[str] | OSError
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            outcome = [str(address[0]) for _, _, _, _, address in found]
        except OSError as error:
            outcome = error
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=look_up, name=f"look up {host}", daemon=True).start()
    return await answer


def endpoints_of(target: Target, addresses: Sequence[str]) -> tuple[Endpoint, ...]:
    """The model servers behind a name.

    A machine with both an IPv4 and an IPv6 address is one model server, so that only one of the
    families counts: IPv4 where there is any. A name with one address of each is left to gRPC,
    which tries both.

    Args:
        target: The name.
        addresses: Its numeric addresses, in any order.
    """
    families: dict[int, set[str]] = {4: set(), 6: set()}
    for address in addresses:
        families[ipaddress.ip_address(address.partition("%")[0]).version].add(address)
    if len(families[4]) == len(families[6]) == 1:
        return (target.endpoint,)
    chosen = families[4] or families[6]
    return tuple(
        Endpoint(f"[{one}]:{target.port}" if ":" in one else f"{one}:{target.port}", target.host)
        for one in sorted(chosen)
    )


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
