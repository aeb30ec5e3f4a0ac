"""How a client proves who it is, and how it knows the gateway."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc


@dataclass(frozen=True, slots=True)
class Tls:
    """A connection that is encrypted, to a gateway whose certificate is checked.

    Args:
        ca: File of certificates in PEM: the gateway must show one that these have signed. None:
            those that gRPC brings along, for gateways with a certificate of a public authority.
        cert: File with the client's own certificate in PEM, for gateways that ask for one.
        key: File with its private key in PEM, not encrypted.

    Raises:
        ValueError: Only one of `cert` and `key` is given.

    Example:
        Client("heed.example.org:443", tls=Tls(ca="ca.pem"), api_key=os.environ["HEED_API_KEY"])
    """

    ca: Path | str | None = None
    cert: Path | str | None = None
    key: Path | str | None = None

    def __post_init__(self) -> None:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key need each other")

    def credentials(self) -> grpc.ChannelCredentials:
        """For gRPC.

        Raises:
            OSError: A file cannot be read.
        """
        return grpc.ssl_channel_credentials(_read(self.ca), _read(self.key), _read(self.cert))


def _read(path: Path | str | None) -> bytes | None:
    return None if path is None else Path(path).read_bytes()


class KeyedChannel:
    """A channel, of either kind, whose every call carries an API key.

    gRPC's own way, call credentials, starts a thread for each call.

    Args:
        channel: Makes the calls.
        api_key: The key.
    """

    def __init__(self, channel: Any, api_key: str) -> None:
        self._channel = channel
        self._metadata = (("authorization", f"Bearer {api_key}"),)

    def unary_unary(self, *args: Any, **settings: Any) -> KeyedMethod:
        """Makes a method of one request and one response."""
        return KeyedMethod(self._channel.unary_unary(*args, **settings), self._metadata)

    def unary_stream(self, *args: Any, **settings: Any) -> KeyedMethod:
        """Makes a method of one request and many responses."""
        return KeyedMethod(self._channel.unary_stream(*args, **settings), self._metadata)

    def stream_unary(self, *args: Any, **settings: Any) -> KeyedMethod:
        """Makes a method of many requests and one response."""
        return KeyedMethod(self._channel.stream_unary(*args, **settings), self._metadata)

    def stream_stream(self, *args: Any, **settings: Any) -> KeyedMethod:
        """Makes a method of many requests and many responses."""
        return KeyedMethod(self._channel.stream_stream(*args, **settings), self._metadata)

    def close(self) -> Any:
        """Ends the connection; to be awaited where the channel's own `close` is."""
        return self._channel.close()


class KeyedMethod:
    """A method whose calls carry metadata of their own and more.

    Args:
        method: The method.
        metadata: What every call carries.
    """

    def __init__(self, method: Any, metadata: tuple[tuple[str, str], ...]) -> None:
        self._method = method
        self._metadata = metadata

    def __call__(self, *args: Any, **settings: Any) -> Any:
        """Calls it."""
        return self._method(*args, **self._with_metadata(settings))

    def future(self, *args: Any, **settings: Any) -> Any:
        """Calls it without waiting for the answer."""
        return self._method.future(*args, **self._with_metadata(settings))

    def _with_metadata(self, settings: dict[str, Any]) -> dict[str, Any]:
        own = settings.pop("metadata", None) or ()
        return {**settings, "metadata": (*own, *self._metadata)}
