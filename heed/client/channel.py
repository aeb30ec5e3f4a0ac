"""How the client connects."""

from __future__ import annotations

from heed.defaults import DEFAULT_ADDRESS

ChannelOptions = list[tuple[str, int]]


def channel_options(address: str) -> ChannelOptions:
    """Options for a channel to the gateway.

    Answers with attention outgrow gRPC's 4 MiB; the client trusts the gateway it chose. A proxy
    named in the environment is for the world outside, not for this machine.
    """
    options: ChannelOptions = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2000),
    ]
    if _host(address) in {"localhost", "::1"} or _host(address).startswith("127."):
        options.append(("grpc.enable_http_proxy", 0))
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


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")
