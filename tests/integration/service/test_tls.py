"""TLS and mutual TLS on real sockets, with certificates that change while calls are under way."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from heed import Client
from heed.client import Tls, UnreachableError
from tests.support.certificates import LONG_AGO, Authority, Pair
from tests.support.gateway import (
    GATEWAY_COMMAND,
    GatewayProcess,
    running_gateway,
)
from tests.support.stub_model_server import MODEL_NAME, StubModelServer, running_stub
from tests.support.waiting import wait_until


class Party:
    """Everybody's certificates."""

    def __init__(self, folder: Path) -> None:
        self.ca = Authority(folder, "ca")
        self.stranger = Authority(folder, "stranger")
        self.server = self.ca.issue("server")
        self.client = self.ca.issue("client", "client.example.org")

    def tls(self, own: Pair | None, ca: Authority | None = None) -> Tls:
        trusted = (ca or self.ca).path
        return Tls(trusted) if own is None else Tls(trusted, own.chain, own.key)


@pytest.fixture(scope="module")
def party(tmp_path_factory: pytest.TempPathFactory) -> Party:
    return Party(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def stub() -> Iterator[StubModelServer]:
    with running_stub() as stub:
        yield stub


@pytest.fixture(scope="module")
def gateway(party: Party, stub: StubModelServer) -> Iterator[GatewayProcess]:
    """A gateway that shows a certificate, and asks for one."""
    flags = ["--model-server", stub.address, "--model", MODEL_NAME]
    own = [f"--tls-cert={party.server.chain}", f"--tls-key={party.server.key}"]
    more = [f"--tls-client-ca={party.ca.path}", "--http-port=0"]
    with running_gateway([*flags, *own, *more]) as gateway:
        yield gateway


def spell(gateway: GatewayProcess, tls: Tls | None) -> str:
    with Client(gateway.address, tls=tls, timeout_s=10) as client:
        return client.generate("heed").text


def test_whoever_shows_a_good_certificate_is_answered(
    gateway: GatewayProcess, party: Party
) -> None:
    assert spell(gateway, party.tls(party.client)) == "heed"


@pytest.mark.parametrize(
    ("tls_of", "words"),
    [
        (lambda party: None, "may ask for TLS"),
        (lambda party: party.tls(None), "certificate of yours"),
        (lambda party: party.tls(party.stranger.issue("forged")), "certificate of yours"),
        (
            lambda party: party.tls(party.ca.issue("expired", not_after=LONG_AGO)),
            "certificate of yours",
        ),
        (lambda party: party.tls(party.client, party.stranger), "signed by nobody who is trusted"),
    ],
    ids=["plaintext", "no certificate", "another's certificate", "expired", "wrong authority"],
)
def test_everybody_else_is_told_what_is_missing(
    gateway: GatewayProcess, party: Party, tls_of: Callable[[Party], Tls | None], words: str
) -> None:
    with pytest.raises(UnreachableError, match=words):
        spell(gateway, tls_of(party))
    assert spell(gateway, party.tls(party.client)) == "heed"


def test_old_versions_of_tls_are_not_spoken(gateway: GatewayProcess, party: Party) -> None:
    context = ssl.create_default_context(cafile=party.ca.path)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        shown_certificate(gateway.address, context)


def test_certificates_change_under_load_and_no_call_fails(
    gateway: GatewayProcess, party: Party
) -> None:
    context = ssl.create_default_context(cafile=party.ca.path)
    context.load_cert_chain(party.client.chain, party.client.key)
    before = shown_certificate(gateway.address, context)
    with Load(gateway, party.tls(party.client)) as load:
        load.wait_for(more=5)
        party.server.replace_by(party.ca.issue("server2"))
        wait_until(lambda: shown_certificate(gateway.address, context) != before)
        load.wait_for(more=5)
    assert load.errors == []
    gateway.wait_for_log(re.compile("the new certificate is in use"))


def test_http_shows_and_asks_for_the_same_certificates(
    gateway: GatewayProcess, party: Party
) -> None:
    context = ssl.create_default_context(cafile=party.ca.path)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{gateway.url}/healthz", verify=context)
    context.load_cert_chain(party.client.chain, party.client.key)
    with httpx.Client(verify=context, base_url=gateway.url) as client:
        answer = client.post("/v1/generate", json={"texts": ["heed"]}).json()
        assert answer["results"][0]["hypotheses"][0]["text"] == "heed"
        before = shown_certificate(gateway.url, context)
        party.server.replace_by(party.ca.issue("server3"))
        wait_until(lambda: shown_certificate(gateway.url, context) != before)
        assert client.get("/healthz").status_code == 200


def test_a_bad_certificate_is_refused_and_the_old_one_goes_on(
    gateway: GatewayProcess, party: Party
) -> None:
    good = party.server.chain.read_bytes()
    party.server.chain.write_bytes(party.client.chain.read_bytes())
    try:
        gateway.wait_for_log(
            re.compile("the new certificate is refused, the old one goes on: .*key values mismatch")
        )
        assert spell(gateway, party.tls(party.client)) == "heed"
    finally:
        party.server.chain.write_bytes(good)


def test_a_certificate_that_cannot_be_used_is_told_at_the_start(
    party: Party, stub: StubModelServer
) -> None:
    expired = party.ca.issue("old-server", not_after=LONG_AGO)
    flags = ["--model-server", stub.address, "--model", MODEL_NAME, "--grpc-port=0"]
    result = subprocess.run(
        [*GATEWAY_COMMAND, *flags, f"--tls-cert={expired.chain}", f"--tls-key={expired.key}"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == 1
    assert f"heed: error: {expired.chain}: cannot be used: certificate has expired" in result.stderr


def test_commands_take_certificates(gateway: GatewayProcess, party: Party) -> None:
    own = ["--tls-cert", str(party.client.chain), "--tls-key", str(party.client.key)]
    result = subprocess.run(
        [
            *(sys.executable, "-m", "heed", "generate", "heed", "--address", gateway.address),
            *("--tls-ca", str(party.ca.path), *own),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (result.returncode, result.stdout) == (0, "heed\n"), result.stderr


def shown_certificate(address: str, context: ssl.SSLContext) -> bytes:
    host, _, port = address.removeprefix("https://").rpartition(":")
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        return connection.getpeercert(binary_form=True) or b""


class Load:
    """Callers for as long as the block runs: one keeps its connection, one makes a new one."""

    def __init__(self, gateway: GatewayProcess, tls: Tls) -> None:
        self._gateway, self._tls = gateway, tls
        self._end = threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._keep, self._renew)]
        self.errors: list[Exception] = []
        self.renewed = 0

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def wait_for(self, more: int) -> None:
        enough = self.renewed + more
        wait_until(lambda: self.renewed >= enough or bool(self.errors))

    def _keep(self) -> None:
        with Client(self._gateway.address, tls=self._tls, timeout_s=10) as client:
            while not self._end.is_set():
                self._ask(lambda: client.generate("heed").text)

    def _renew(self) -> None:
        while not self._end.is_set():
            self._ask(lambda: spell(self._gateway, self._tls))
            self.renewed += 1

    def _ask(self, ask: Callable[[], str]) -> None:
        try:
            assert ask() == "heed"
        except Exception as error:  # noqa: BLE001  (whatever it is, the test shows it)
            self.errors.append(error)
