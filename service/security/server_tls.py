"""TLS of the gateway's own ports, with certificates that may change while it runs."""

from __future__ import annotations

import ssl

import grpc

from service.metrics import SecurityMetrics
from service.security.certificates import (
    CertificateError,
    CertificateFiles,
    Certificates,
    server_context,
)
from service.security.watched_certificates import WatchedCertificates


class ServerTls:
    """What the gateway shows to callers that connect, and what it asks of them.

    New connections get the newest certificate; those that are there go on with theirs.

    Args:
        files: The gateway's certificate and key; authorities if callers must show one too.
        metrics: Tell of certificates that were read again, and when they end.

    Raises:
        CertificateError: The files cannot be used.
    """

    def __init__(self, files: CertificateFiles, metrics: SecurityMetrics) -> None:
        self._files = files
        self._certificates = WatchedCertificates(files, self._use, side="server", metrics=metrics)

    async def run(self) -> None:
        """Reads the files again when they change, for as long as it is not cancelled."""
        await self._certificates.run()

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """For gRPC's ports."""
        given = self._configuration

        def newest() -> grpc.ServerCertificateConfiguration | None:
            """Asked at every handshake; None says that nothing changed since the last one."""
            nonlocal given
            if given is self._configuration:
                return None
            given = self._configuration
            return given

        return grpc.dynamic_ssl_server_credentials(
            given,
            newest,  # type: ignore[arg-type]  # gRPC's own documentation allows None
            require_client_authentication=self._files.authorities is not None,
        )

    def http_context(self) -> ssl.SSLContext:
        """For other ports. Every connection that begins is moved to the newest context."""
        context = server_context(self._files)
        context.sni_callback = self._use_newest
        return context

    def _use_newest(
        self, connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, old: ssl.SSLContext
    ) -> None:
        connection.context = self._context

    def _use(self, certificates: Certificates) -> None:
        context, configuration = server_context(self._files), _configuration(certificates)
        self._context, self._configuration = context, configuration


def _configuration(certificates: Certificates) -> grpc.ServerCertificateConfiguration:
    if certificates.chain is None or certificates.key is None:
        raise CertificateError("a server needs a certificate and its key")
    return grpc.ssl_server_certificate_configuration(
        [(certificates.key, certificates.chain)], root_certificates=certificates.authorities
    )
