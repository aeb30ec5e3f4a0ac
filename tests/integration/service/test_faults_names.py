"""A name whose addresses change under a gateway.

The gateway's process sees an own /etc/hosts, which the tests write. That needs a mount namespace,
which Linux gives to users where the administrator allows it.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from heed.v1 import inference_pb2, model_pb2
from tests.support.gateway import (
    GATEWAY_COMMAND,
    GatewayProcess,
    error_of,
    generate_request,
    running_gateway,
)
from tests.support.load import Load
from tests.support.stub_model_server import MODEL_NAME, StubModelServer, running_stub
from tests.support.waiting import wait_until

NAME = "models.test"


class Hosts:
    """The gateway's /etc/hosts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.touch()

    def give(self, *addresses: str) -> None:
        """The name has these addresses from now on."""
        lines = ["127.0.0.1 localhost", *(f"{address} {NAME}" for address in addresses)]
        self.path.write_text("\n".join(lines) + "\n")

    def wrap(self, command: tuple[str, ...]) -> tuple[str, ...]:
        """The command in a namespace where this file is /etc/hosts."""
        mount = f"mount --bind {shlex.quote(str(self.path))} /etc/hosts"
        script = f'{mount} && exec {shlex.join(command)} "$@"'
        return ("unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh")


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Hosts:
    hosts = Hosts(tmp_path_factory.mktemp("names") / "hosts")
    hosts.give()
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare(1)")
    trial = subprocess.run(hosts.wrap(("true",)), capture_output=True, check=False, timeout=20)
    if trial.returncode != 0:
        pytest.skip("needs a system that lets users make mount namespaces")
    return hosts


@pytest.fixture(scope="module")
def stubs() -> Iterator[list[StubModelServer]]:
    """Two model servers on one port: at 127.0.0.1 and at 127.0.0.2."""
    with running_stub() as first, running_stub(first.port, "127.0.0.2") as second:
        yield [first, second]


@pytest.fixture(scope="module")
def gateway(hosts: Hosts, stubs: list[StubModelServer]) -> Iterator[GatewayProcess]:
    address = f"dns:///{NAME}:{stubs[0].port}"
    flags = ["--model-server", address, "--model", MODEL_NAME, "--poll-interval-s=0.1"]
    command = hosts.wrap(GATEWAY_COMMAND)
    with running_gateway(
        [*flags, "--dns-refresh-s=0.1"], command=command, until_ready=False
    ) as gateway:
        yield gateway


def described(gateway: GatewayProcess) -> model_pb2.Model:
    return gateway.stub.GetModel(inference_pb2.GetModelRequest(), timeout=10).model


def wait_for_replicas(gateway: GatewayProcess, count: int) -> None:
    wait_until(lambda: [s.replica_count for s in described(gateway).versions] == [count])


def test_without_an_address_the_gateway_waits_and_says_for_what(
    gateway: GatewayProcess, stubs: list[StubModelServer]
) -> None:
    model = described(gateway)
    expected = f"no address of dns:///{NAME}:{stubs[0].port} is known yet"
    assert (model.ready, model.status_message) == (False, expected)
    error = error_of(lambda: gateway.stub.Generate(generate_request("abc"), timeout=10))
    assert error.code().name == "UNAVAILABLE"
    assert f"the name {NAME} cannot be looked up" in gateway.log()


def test_addresses_that_come_and_go_under_load_fail_no_call(
    gateway: GatewayProcess, hosts: Hosts, stubs: list[StubModelServer]
) -> None:
    hosts.give("127.0.0.1")
    wait_for_replicas(gateway, 1)
    load = Load(gateway, pause_s=0.01)
    load.wait_for("OK", 20)
    assert not stubs[1].requests
    hosts.give("127.0.0.1", "127.0.0.2")
    wait_for_replicas(gateway, 2)
    load.wait_for("OK", 50)
    assert stubs[1].requests
    hosts.give("127.0.0.2")
    wait_for_replicas(gateway, 1)
    load.wait_for("OK", 20)
    before = len(stubs[0].requests)
    load.wait_for("OK", 20)
    assert len(stubs[0].requests) == before
    hosts.give("127.0.0.1")  # from one to another, which has yet to be tried
    wait_until(lambda: len(stubs[0].requests) > before + 20)
    wait_for_replicas(gateway, 1)
    load.end()
    assert set(load.outcomes) == {"OK"}, load.failures


def test_a_name_that_is_lost_keeps_its_addresses(gateway: GatewayProcess, hosts: Hosts) -> None:
    lines = gateway.log().count("cannot be looked up")
    hosts.give()
    wait_until(lambda: gateway.log().count("cannot be looked up") > lines)
    assert gateway.stub.Generate(generate_request("abc"), timeout=10).results
    assert described(gateway).healthy_replica_count == 1
