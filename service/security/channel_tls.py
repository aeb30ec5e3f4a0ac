"""TLS of the gateway's connections to model servers."""

from __future__ import annotations

from collections.abc import Callable

import grpc

from service.metrics import SecurityMetrics
from service.security.certificates import CertificateFiles, read_certificates
from service.security.watching import WatchedFiles


class ChannelTls:
    """How the gateway knows model servers, and what it shows to them.

    A connection keeps the credentials that it was made with, so that new ones need new connections.

    Args:
        files: Authorities that vouch for model servers; the gateway's own certificate and key if
            they ask for one.
        metrics: Tell of certificates that were read again, and when they end.

    Raises:
        CertificateError: The files cannot be used.
    """

    def __init__(self, files: CertificateFiles, metrics: SecurityMetrics) -> None:
        self._files = files
        self._metrics = metrics
        self._watched = WatchedFiles(
            "certificate for model servers",
            files.paths,
            self._reload,
            tell=lambda is_ok: metrics.reloaded("certificates", is_ok=is_ok),
        )
        self._on_change: Callable[[grpc.ChannelCredentials], None] = lambda _: None
        self.credentials = self._read()

    def on_change(self, connect_anew: Callable[[grpc.ChannelCredentials], None]) -> None:
        """Calls a function with new credentials each time there are some."""
        self._on_change = connect_anew

    async def run(self) -> None:
        """Reads the files again when they change, for as long as it is not cancelled."""
        await self._watched.run()

    def _reload(self) -> None:
        self.credentials = self._read()
        self._on_change(self.credentials)

    def _read(self) -> grpc.ChannelCredentials:
        certificates = read_certificates(self._files)
        if certificates.expires_s is not None:
            self._metrics.certificate_expires("client", certificates.expires_s)
        return grpc.ssl_channel_credentials(
            root_certificates=certificates.authorities,
            private_key=certificates.key,
            certificate_chain=certificates.chain,
        )
