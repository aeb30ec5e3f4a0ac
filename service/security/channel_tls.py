"""TLS of the gateway's connections to model servers."""

from __future__ import annotations

from collections.abc import Callable

import grpc

from service.metrics import SecurityMetrics
from service.security.certificates import CertificateFiles, Certificates
from service.security.watched_certificates import WatchedCertificates


class ChannelTls:
    """How the gateway knows model servers, and what it shows to them.

    A connection keeps the credentials that it was made with, so that new ones need new connections.

    Args:
        files: Authorities that vouch for model servers; the gateway's own certificate and key if
            they ask for one.
        metrics: Tell of certificates that were read again, and when they end.

    Attributes:
        credentials: What a connection made now shows and checks.

    Raises:
        CertificateError: The files cannot be used.
    """

    credentials: grpc.ChannelCredentials

    def __init__(self, files: CertificateFiles, metrics: SecurityMetrics) -> None:
        self._on_change: Callable[[grpc.ChannelCredentials], None] = lambda _: None
        self._certificates = WatchedCertificates(files, self._use, side="client", metrics=metrics)

    def on_change(self, connect_anew: Callable[[grpc.ChannelCredentials], None]) -> None:
        """Calls a function with new credentials each time there are some."""
        self._on_change = connect_anew

    async def run(self) -> None:
        """Reads the files again when they change, for as long as it is not cancelled."""
        await self._certificates.run()

    def _use(self, certificates: Certificates) -> None:
        self.credentials = grpc.ssl_channel_credentials(
            root_certificates=certificates.authorities,
            private_key=certificates.key,
            certificate_chain=certificates.chain,
        )
        self._on_change(self.credentials)
