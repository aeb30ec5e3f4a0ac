"""Certificates made on the spot, as files for the gateway and for its clients."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import grpc
import trustme

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files in PEM."""

    chain: Path
    key: Path

    def replace_by(self, other: Pair) -> None:
        """Puts another certificate and key in the place of these, one after the other."""
        self.key.write_bytes(other.key.read_bytes())
        self.chain.write_bytes(other.chain.read_bytes())


class Authority:
    """Somebody who signs certificates, with a folder that they are written to."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._ca = trustme.CA()
        self._folder = folder
        self.path = folder / f"{name}.pem"
        self._ca.cert_pem.write_to_path(str(self.path))

    def issue(self, name: str, *hosts: str, not_after: dt.datetime | None = None) -> Pair:
        """A certificate for hosts; for this machine unless told otherwise."""
        issued = self._ca.issue_cert(*(hosts or ("localhost", "127.0.0.1")), not_after=not_after)
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        pair.chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(pair.key))
        pair.key.chmod(0o600)
        return pair


def channel_credentials(authority: Authority, own: Pair | None = None) -> grpc.ChannelCredentials:
    """What a client trusts, and shows if it is asked."""
    if own is None:
        return grpc.ssl_channel_credentials(authority.path.read_bytes())
    return grpc.ssl_channel_credentials(
        authority.path.read_bytes(), own.key.read_bytes(), own.chain.read_bytes()
    )
