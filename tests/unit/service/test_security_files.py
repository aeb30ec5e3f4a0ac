"""Certificates and files that change while somebody reads them."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from service.metrics import Metrics
from service.security.certificates import CertificateError, CertificateFiles, read_certificates
from service.security.server_tls import ServerTls
from service.security.watching import RefusedFileError, WatchedFiles
from tests.support.certificates import LONG_AGO, Authority, Pair


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def pair(authority: Authority) -> Pair:
    return authority.issue("server")


def test_a_certificate_and_its_key_are_read(authority: Authority, pair: Pair) -> None:
    found = read_certificates(CertificateFiles(pair.chain, pair.key, authority.path))
    assert found.chain == pair.chain.read_bytes()
    assert found.key == pair.key.read_bytes()
    assert found.authorities == authority.path.read_bytes()
    assert (found.expires_s or 0) > time.time()


def test_a_key_of_another_certificate_is_refused(authority: Authority, pair: Pair) -> None:
    other = authority.issue("other")
    with pytest.raises(
        CertificateError, match=r"server.pem and .*other.key: .*key values mismatch"
    ):
        read_certificates(CertificateFiles(pair.chain, other.key))


def test_a_certificate_that_has_expired_is_refused(authority: Authority) -> None:
    expired = authority.issue("expired", not_after=LONG_AGO)
    with pytest.raises(CertificateError, match=r"expired.pem: .*certificate has expired"):
        read_certificates(CertificateFiles(expired.chain, expired.key))


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(
    pair: Pair, tmp_path: Path
) -> None:
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    encrypted = tmp_path / "encrypted.key"
    encrypted.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(CertificateError, match=r"encrypted.key: .*the key is encrypted"):
        read_certificates(CertificateFiles(pair.chain, encrypted))


def test_files_that_hold_no_certificates_are_refused(pair: Pair, tmp_path: Path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")
    with pytest.raises(CertificateError, match=r"junk.pem: holds no certificates"):
        read_certificates(CertificateFiles(pair.chain, pair.key, junk))
    with pytest.raises(CertificateError, match=r"junk.pem and .*: are no certificate"):
        read_certificates(CertificateFiles(junk, pair.key))
    with pytest.raises(CertificateError, match=r"missing.pem: cannot be read: No such file"):
        read_certificates(CertificateFiles(tmp_path / "missing.pem", pair.key))


def test_a_server_needs_a_certificate() -> None:
    with pytest.raises(CertificateError, match="needs a certificate"):
        ServerTls(CertificateFiles(), Metrics().security)


class Reader:
    def __init__(self, path: Path) -> None:
        self.path, self.read = path, [path.read_text()]
        self.watched = WatchedFiles("page", [path], self._reload)

    def _reload(self) -> None:
        text = self.path.read_text()
        if "bad" in text:
            raise RefusedFileError(f"{self.path.name}: is bad")
        self.read.append(text)


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    path = tmp_path / "page"
    path.write_text("one")
    return Reader(path)


def test_a_changed_file_is_read_once_it_has_come_to_rest(reader: Reader) -> None:
    reader.watched.look()
    reader.path.write_text("half of tw")
    reader.watched.look()
    assert reader.read == ["one"]
    reader.path.write_text("two")
    reader.watched.look()
    assert reader.read == ["one"]
    reader.watched.look()
    reader.watched.look()
    assert reader.read == ["one", "two"]


def test_a_bad_file_is_told_once_and_the_old_one_goes_on(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    reader.path.write_text("bad")
    for _ in range(4):
        reader.watched.look()
    assert reader.read == ["one"]
    assert caplog.messages == ["the new page is refused, the old one goes on: page: is bad"]
    reader.path.write_text("three")
    for _ in range(2):
        reader.watched.look()
    assert reader.read == ["one", "three"]
    assert caplog.messages[1:] == ["the new page is in use"]


def test_a_file_that_vanishes_and_comes_back_unchanged_is_not_read_again(reader: Reader) -> None:
    aside = reader.path.rename(reader.path.with_name("aside"))
    reader.watched.look()
    aside.rename(reader.path)
    for _ in range(3):
        reader.watched.look()
    assert reader.read == ["one"]
