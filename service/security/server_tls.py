"""TLS of the gateway's own ports, with certificates that may change while it runs."""

from __future__ import annotations

import ssl

import grpc

from service.metrics import SecurityMetrics
from service.security.certificates import (
    CertificateError,
    CertificateFiles,
    Certificates,
    read_certificates,
    server_context,
)
from service.security.watching import WatchedFiles


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
        self._metrics = metrics
        self._watched = WatchedFiles(
            "certificate",
            files.paths,
            self._reload,
            tell=lambda is_ok: metrics.reloaded("certificates", is_ok=is_ok),
        )
        self._configuration, self._context = self._read()

    async def run(self) -> None:
        """Reads the files again when they change, for as long as it is not cancelled."""
        await self._watched.run()

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

    def _reload(self) -> None:
        self._configuration, self._context = self._read()

    def _read(self) -> tuple[grpc.ServerCertificateConfiguration, ssl.SSLContext]:
        certificates = read_certificates(self._files)
        context, configuration = server_context(self._files), _configuration(certificates)
        if certificates.expires_s is not None:
            self._metrics.certificate_expires("server", certificates.expires_s)
        return configuration, context


def _configuration(certificates: Certificates) -> grpc.ServerCertificateConfiguration:
    if certificates.chain is None or certificates.key is None:
        raise CertificateError("a server needs a certificate and its key")
    return grpc.ssl_server_certificate_configuration(
        [(certificates.key, certificates.chain)], root_certificates=certificates.authorities
    )
