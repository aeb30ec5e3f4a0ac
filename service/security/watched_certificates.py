"""Certificates that are read again when their files change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from service.metrics import SecurityMetrics
from service.security.certificates import CertificateFiles, Certificates, read_certificates
from service.security.watching import WatchedFiles


class WatchedCertificates:
    """The certificates of one side of a connection.

    Args:
        files: Where they are.
        use: Takes the certificates, at once and after each change; nothing may change if it
            raises a RefusedFileError.
        side: Which side the gateway is on.
        metrics: Tell of certificates that were read again, and when they end.

    Raises:
        CertificateError: The files cannot be used.
    """

    def __init__(
        self,
        files: CertificateFiles,
        use: Callable[[Certificates], None],
        *,
        side: Literal["server", "client"],
        metrics: SecurityMetrics,
    ) -> None:
        self._files = files
        self._use = use
        self._side = side
        self._metrics = metrics
        self._watched = WatchedFiles(
            "certificate" if side == "server" else "certificate for model servers",
            files.paths,
            self._read,
            tell=lambda is_ok: metrics.reloaded("certificates", is_ok=is_ok),
        )
        self._read()

    async def run(self) -> None:
        """Looks for changes for as long as it is not cancelled."""
        await self._watched.run()

    def _read(self) -> None:
        certificates = read_certificates(self._files)
        self._use(certificates)
        if certificates.expires_s is not None:
            self._metrics.certificate_expires(self._side, certificates.expires_s)
