"""Certificates and their keys, read from PEM files and tried out before they are used."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from service.security.watching import RefusedFileError

_HANDSHAKE_STEPS: Final = 10
"""More than any handshake takes."""


class CertificateError(RefusedFileError):
    """Files of certificates cannot be used; the message names the file and what is wrong."""


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where one side's certificates are.

    Attributes:
        chain: The own certificate, then those up to the root's; None if this side has none.
        key: The private key, not encrypted.
        authorities: Certificates of those whose word about the other side is taken; None: those
            that the system trusts, or nobody if this side asks for no certificate.
    """

    chain: Path | None = None
    key: Path | None = None
    authorities: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that there are."""
        return tuple(path for path in (self.chain, self.key, self.authorities) if path is not None)


@dataclass(frozen=True, slots=True)
class Certificates:
    """What the files held; None where there is none.

    Attributes:
        chain: PEM.
        key: PEM.
        authorities: PEM.
        expires_s: When the own certificate ends, in seconds since 1970.
    """

    chain: bytes | None = None
    key: bytes | None = None
    authorities: bytes | None = None
    expires_s: float | None = None


def read_certificates(files: CertificateFiles) -> Certificates:
    """Reads and tries certificates.

    Raises:
        CertificateError: A file cannot be read or holds something else, key and certificate do
            not belong together, or the certificate is not valid now.
    """
    certificates = Certificates(_read(files.chain), _read(files.key), _read(files.authorities))
    if files.authorities is not None:
        _check_authorities(files.authorities)
    if files.chain is None or files.key is None:
        return certificates
    return replace(certificates, expires_s=_try_out(files.chain, files.key))


def server_context(files: CertificateFiles) -> ssl.SSLContext:
    """How a server that is not gRPC's shows the certificate, and asks for its clients'.

    Raises:
        CertificateError: As `read_certificates`.
    """
    if files.chain is None or files.key is None:
        raise CertificateError("a server needs a certificate and its key")
    context = _server_context(files.chain, files.key)
    context.set_alpn_protocols(["http/1.1"])
    if files.authorities is not None:
        _check_authorities(files.authorities)
        context.load_verify_locations(files.authorities)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _read(path: Path | None) -> bytes | None:
    try:
        return None if path is None else path.read_bytes()
    except OSError as error:
        raise CertificateError(f"{path}: cannot be read: {error.strerror}") from error


def _check_authorities(path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(path)
    except (ssl.SSLError, OSError) as error:
        raise CertificateError(f"{path}: holds no certificates in PEM: {_words(error)}") from error


def _server_context(chain: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(chain, key, password=_no_password)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise CertificateError(
            f"{chain} and {key}: are no certificate and its key in PEM: {_words(error)}"
        ) from error
    return context


def _no_password() -> str:
    """Asked for by a key that is encrypted; without it OpenSSL would ask the terminal."""
    raise ValueError("the key is encrypted; give one that is not, readable by the gateway alone")


def _try_out(chain: Path, key: Path) -> float:
    """Has a client that trusts this very certificate shake hands with it, in memory.

    Returns:
        When the certificate ends, in seconds since 1970.
    """
    server_side = _server_context(chain, key)
    client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_side.check_hostname = False
    client_side.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    client_side.load_verify_locations(chain)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_side.wrap_bio(to_client, to_server)
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    try:
        for _ in range(_HANDSHAKE_STEPS):
            if _is_done(client) & _is_done(server):
                shown = client.getpeercert() or {}
                return ssl.cert_time_to_seconds(str(shown["notAfter"]))
    except ssl.SSLCertVerificationError as error:
        raise CertificateError(f"{chain}: cannot be used: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise CertificateError(f"{chain}: cannot be used: {_words(error)}") from error
    raise CertificateError(f"{chain}: cannot be used: a handshake with it does not end")


def _is_done(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def _words(error: Exception) -> str:
    """What OpenSSL or the system says, without line numbers of its source."""
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).lower().replace("_", " ")
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)
