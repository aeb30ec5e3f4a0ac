"""TLS of the gateway's own ports, with certificates that may change while it runs."""

from __future__ import annotations

import ssl

import grpc

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

    Raises:
        CertificateError: The files cannot be used.
    """

    def __init__(self, files: CertificateFiles) -> None:
        self._files = files
        self._watched = WatchedFiles("certificate", files.paths, self._reload)
        self._configuration = _configuration(read_certificates(files))
        self._context = server_context(files)

    async def run(self) -> None:
        """Reads the files again when they change, for as long as it is not cancelled."""
        await self._watched.run()

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """For gRPC's ports."""
        return grpc.dynamic_ssl_server_credentials(
            self._configuration,
            lambda: self._configuration,
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
        certificates = read_certificates(self._files)
        self._context = server_context(self._files)
        self._configuration = _configuration(certificates)


def _configuration(certificates: Certificates) -> grpc.ServerCertificateConfiguration:
    if certificates.chain is None or certificates.key is None:
        raise CertificateError("a server needs a certificate and its key")
    return grpc.ssl_server_certificate_configuration(
        [(certificates.key, certificates.chain)], root_certificates=certificates.authorities
    )
