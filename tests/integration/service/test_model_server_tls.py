"""TLS and mutual TLS between the gateway and its model servers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.support.certificates import Authority, Pair
from tests.support.gateway import GatewayProcess, error_of, generate_request, running_gateway
from tests.support.stub_model_server import MODEL_NAME, running_stub
from tests.support.waiting import wait_until


class Setting:
    """A gateway that shows a certificate to a model server that asks for one."""

    def __init__(self, folder: Path) -> None:
        self.ca, self.stranger = Authority(folder), Authority(folder, "stranger")
        self.server = self.ca.issue("model-server")
        self.own = self.ca.issue("gateway", "gateway.example.org")
        self.credentials = grpc.ssl_server_credentials(
            [(self.server.key.read_bytes(), self.server.chain.read_bytes())],
            self.ca.path.read_bytes(),
            require_client_auth=True,
        )

    def flags(self, address: str, *, ca: Path, own: Pair | None) -> list[str]:
        backend = ["--model-server", address, "--model", MODEL_NAME, f"--model-server-ca={ca}"]
        if own is None:
            return backend
        return [*backend, f"--model-server-cert={own.chain}", f"--model-server-key={own.key}"]


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    return Setting(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def address(setting: Setting) -> Iterator[str]:
    with running_stub(credentials=setting.credentials) as stub:
        yield stub.address


@pytest.fixture(scope="module")
def gateway(setting: Setting, address: str) -> Iterator[GatewayProcess]:
    flags = setting.flags(address, ca=setting.ca.path, own=setting.own)
    with running_gateway(flags) as gateway:
        yield gateway


def answers(gateway: GatewayProcess) -> bool:
    return bool(gateway.stub.Generate(generate_request("heed"), timeout=20).results)


def test_a_model_server_that_asks_for_a_certificate_gets_the_gateways(
    gateway: GatewayProcess,
) -> None:
    assert answers(gateway)


def test_a_new_certificate_is_shown_without_a_restart_and_no_call_fails(
    gateway: GatewayProcess, setting: Setting
) -> None:
    setting.own.replace_by(setting.ca.issue("gateway2", "gateway.example.org"))
    used = re.compile("the new certificate for model servers is in use")
    wait_until(lambda: answers(gateway) and used.search(gateway.log()) is not None)
    assert all(answers(gateway) for _ in range(20))


@pytest.mark.parametrize("fault", ["a stranger's server", "no certificate shown"])
def test_a_model_server_is_not_asked_unless_both_know_each_other(
    setting: Setting, address: str, fault: str
) -> None:
    ca, own, words = {
        "a stranger's server": (setting.stranger.path, setting.own, "CERTIFICATE_VERIFY_FAILED"),
        "no certificate shown": (setting.ca.path, None, "Socket closed|reset"),
    }[fault]
    with running_gateway(setting.flags(address, ca=ca, own=own), until_ready=False) as gateway:
        error = error_of(lambda: gateway.stub.Generate(generate_request("heed"), timeout=20))
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        gateway.wait_for_log(re.compile(rf"model server {address} cannot be asked: .*({words})"))
