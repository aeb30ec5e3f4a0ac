"""How the client proves who it is, and what it will not do by mistake."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from heed import AsyncClient, Client
from heed.cli.main import main
from heed.client import Tls
from tests.support.client import serving, upper_case

LOOPBACK = ["localhost:1", "127.0.0.1:1", "127.8.9.1:1", "[::1]:1", "unix:/tmp/heed.sock"]


def keys_sent(**settings: object) -> list[object]:
    """The authorizations that reach a gateway."""
    seen: list[object] = []

    def note(request: object, context: grpc.ServicerContext) -> object:
        seen.append(dict(context.invocation_metadata()).get("authorization"))
        return upper_case(request)

    with serving(note) as (address, _), Client(address, **settings) as client:
        client.generate("a")
        client.with_search(None).generate(["b", "c"])
    return seen


def test_a_key_goes_with_every_call() -> None:
    assert set(keys_sent(api_key="secret")) == {"Bearer secret"}
    assert set(keys_sent()) == {None}


@pytest.mark.parametrize("address", LOOPBACK)
def test_a_key_may_go_to_this_machine_without_tls(address: str) -> None:
    Client(address, api_key="secret").close()


@pytest.mark.parametrize(
    "address", ["gateway:50051", "192.0.2.1:1", "dns:///gateway:1", "1270.0.1:1"]
)
def test_a_key_does_not_leave_this_machine_without_tls(address: str) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(ValueError, match="over TLS alone"):
            kind(address, api_key="secret")
    Client(address, api_key="secret", tls=Tls()).close()


@pytest.mark.parametrize("key", ["", " ", "two words", "clé", "line\nbreak"])
def test_what_no_header_can_hold_is_no_key(key: str) -> None:
    with pytest.raises(ValueError, match="api_key is empty, or holds"):
        Client(api_key=key)


def test_a_certificate_needs_its_key() -> None:
    with pytest.raises(ValueError, match="cert and key need each other"):
        Tls(cert="a.pem")


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.pem"):
        Client(tls=Tls(ca="missing.pem"))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--tls-ca", "missing.pem"], "cannot read missing.pem: No such file"),
        (["--tls-cert", "a.pem"], "cert and key need each other"),
        (["--api-key", "a", "--api-key-file", "b"], "give --api-key or --api-key-file, not both"),
        (["--api-key-file", "missing"], "cannot read missing: No such file"),
        (["--api-key", "a b"], "api_key is empty, or holds"),
        (["--api-key", "a", "--address", "gateway:1"], "over TLS alone"),
    ],
)
def test_commands_refuse_what_does_not_go_together(
    flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", *flags]) == 2
    assert f"heed: error: {message}" in capsys.readouterr().err.replace(
        "an API key goes to gateway:1 ", ""
    )


def test_an_empty_key_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "key"
    empty.write_text("\n")
    assert main(["models", "--api-key-file", str(empty)]) == 2
    assert "api_key is empty" in capsys.readouterr().err
