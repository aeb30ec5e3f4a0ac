"""How the client connects."""

from __future__ import annotations

import ipaddress
import re
from types import ModuleType
from typing import Any, Final

from heed.client.access import KeyedChannel, Tls
from heed.defaults import DEFAULT_ADDRESS

ChannelOptions = list[tuple[str, int | str]]

_ROUND_ROBIN: Final = '{"loadBalancingConfig": [{"round_robin": {}}]}'

_VISIBLE_ASCII: Final = re.compile(r"[!-~]+")


def open_channel(library: ModuleType, address: str, *, tls: Tls | None, api_key: str | None) -> Any:
    """A channel to the gateway; see `check_settings` and `check_api_key` for what it takes.

    Args:
        library: Whose channel it is: `grpc` or `grpc.aio`.
        address: Where the gateway listens, HOST:PORT.
        tls: Encrypts the connection, if given.
        api_key: Sent with every call, if given.

    Raises:
        OSError: A file of `tls` cannot be read.
    """
    options = channel_options(address)
    if tls is None:
        channel = library.insecure_channel(address, options=options)
    else:
        channel = library.secure_channel(address, tls.credentials(), options=options)
    return channel if api_key is None else KeyedChannel(channel, api_key)


def channel_options(address: str) -> ChannelOptions:
    """Options for a channel to the gateway.

    Answers with attention outgrow gRPC's 4 MiB; the client trusts the gateway it chose. A proxy
    named in the environment is for the world outside, not for this machine. Where a name has the
    addresses of several gateways, they take turns; gRPC would send everything to the first one.
    """
    options: ChannelOptions = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2000),
    ]
    if _is_this_machine(address):
        options.append(("grpc.enable_http_proxy", 0))
    else:
        options.append(("grpc.service_config", _ROUND_ROBIN))
    return options


def check_settings(address: str, timeout_s: float) -> None:
    """Checks what a client is made with.

    Raises:
        ValueError: The address is empty, or the time is not above 0.
    """
    if not address.strip():
        raise ValueError(f"address is empty; give HOST:PORT, for example {DEFAULT_ADDRESS}")
    if not timeout_s > 0:
        raise ValueError(f"timeout_s is {timeout_s}; it must be above 0")


def check_api_key(api_key: str | None, address: str, tls: Tls | None) -> None:
    """Checks that a key can be sent, and that nobody on the way can read it.

    Raises:
        ValueError: It is empty or holds what no key holds, or would leave this machine unencrypted.
    """
    if api_key is None:
        return
    if not _VISIBLE_ASCII.fullmatch(api_key):
        raise ValueError("api_key is empty, or holds spaces or characters beyond ASCII")
    if tls is None and not _is_this_machine(address):
        raise ValueError(
            f"an API key goes to {address} over TLS alone, because others could read it: give tls"
        )


def _is_this_machine(address: str) -> bool:
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    host = address.rpartition(":")[0].rpartition("/")[2].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
