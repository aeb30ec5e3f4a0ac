"""Several gateway processes on one port: started, asked, killed and ended."""

from __future__ import annotations

import collections
import contextlib
import re
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest

from heed.v1 import inference_pb2_grpc
from tests.support.exported_model import MODEL_NAME as SMALL_MODEL
from tests.support.gateway import (
    GATEWAY_COMMAND,
    GatewayProcess,
    generate_request,
    running_gateway,
    start_gateway,
)
from tests.support.stub_model_server import MODEL_NAME, StubModelServer, running_stub
from tests.support.waiting import wait_until

HTTP_LINE = re.compile(r"Heed gateway HTTP at (\S+)")


@pytest.fixture(scope="module")
def stub() -> Iterator[StubModelServer]:
    with running_stub() as stub:
        yield stub


@pytest.fixture(scope="module")
def flags(stub: StubModelServer) -> list[str]:
    return ["--model-server", stub.address, "--model", MODEL_NAME, "--workers=2", "--http-port=0"]


@pytest.fixture(scope="module")
def gateway(flags: list[str]) -> Iterator[GatewayProcess]:
    with running_gateway(flags) as gateway:
        yield gateway


def workers_of(gateway: GatewayProcess) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(gateway.process.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just died
            if "service.workers.worker" in child.cmdline():
                found.append(child)
    return found


def generate_on_a_new_connection(gateway: GatewayProcess) -> None:
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(gateway.address, options=options) as channel:
        stub = inference_pb2_grpc.InferenceServiceStub(channel)
        assert stub.Generate(generate_request("heed"), timeout=20).results


class Load:
    """Callers that ask without a pause, each on a connection of its own, for a block.

    Args:
        gateway: Whom they ask.
        give_up: Whether a caller leaves after a failure, as one that knows another gateway.
    """

    def __init__(self, gateway: GatewayProcess, *, give_up: bool = False) -> None:
        self._give_up = give_up
        self._address = gateway.address
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(6)]
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.reasons: set[str] = set()

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        self.wait_for(20)
        return self

    def __exit__(self, *exception: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def wait_for(self, more: int) -> None:
        enough = self.outcomes["OK"] + more
        wait_until(lambda: self.outcomes["OK"] >= enough, lambda: str(self.outcomes))

    def _ask(self) -> None:
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_reconnect_backoff_ms", 200)]
        with grpc.insecure_channel(self._address, options=options) as channel:
            stub = inference_pb2_grpc.InferenceServiceStub(channel)
            while not self._end.is_set():
                try:
                    stub.Generate(generate_request("heed"), timeout=20)
                    self.outcomes["OK"] += 1
                except grpc.RpcError as error:
                    self.outcomes[error.code().name] += 1
                    self.reasons.add(error.details() or "")
                    if self._give_up:
                        return
                    self._end.wait(0.02)


def test_workers_share_the_port_and_are_announced_once(gateway: GatewayProcess) -> None:
    assert len(workers_of(gateway)) == 2
    log = gateway.log()
    for line in ("Heed gateway listening", "Heed gateway HTTP", "Heed gateway ready"):
        assert log.count(line) == 1
    for worker in workers_of(gateway):
        listening = {one.laddr.port for one in worker.net_connections("tcp") if not one.raddr}
        assert int(gateway.address.rpartition(":")[2]) in listening


def test_metrics_are_those_of_all_workers(gateway: GatewayProcess) -> None:
    url = gateway.wait_for_log(HTTP_LINE)[1]
    before = answered(url)
    for _ in range(12):
        generate_on_a_new_connection(gateway)
    assert [answered(url) - before for _ in range(6)] == [12.0] * 6


def answered(url: str) -> float:
    with urllib.request.urlopen(f"{url}/metrics", timeout=10) as response:
        text = response.read().decode()
    counts = re.findall(r'heed_requests_total\{[^}]*method="Generate"[^}]*\} (\S+)', text)
    return sum(map(float, counts))


def test_the_death_of_a_worker_costs_its_own_calls_alone(gateway: GatewayProcess) -> None:
    with Load(gateway) as load:
        victim, survivor = workers_of(gateway)
        victim.kill()
        load.wait_for(100)
        wait_until(lambda: len(workers_of(gateway)) == 2)
        load.wait_for(50)
    assert set(load.outcomes) <= {"OK", "UNAVAILABLE"}
    assert load.outcomes["UNAVAILABLE"] < 50
    assert survivor in workers_of(gateway)
    gateway.wait_for_log(re.compile(r"worker \d ended with -9; starting it again"))
    url = gateway.wait_for_log(HTTP_LINE)[1]
    assert answered(url) >= load.outcomes["OK"]


def test_every_accepted_call_is_answered_when_told_to_end(flags: list[str]) -> None:
    gateway = start_gateway(flags)
    folder = gateway.folder
    workers = workers_of(gateway)
    with Load(gateway, give_up=True) as load:
        assert gateway.terminate() == 0
        assert not any(worker.is_running() for worker in workers)
    assert set(load.outcomes) <= {"OK", "UNAVAILABLE"}
    assert all("is ending" in why or "failed to connect" in why for why in load.reasons)
    assert load.outcomes["OK"] >= 20
    assert [path.name for path in folder.iterdir()] == ["gateway.log"]
    host, _, port = gateway.address.rpartition(":")
    with socket.socket() as free, pytest.raises(OSError, match="refused"):
        free.connect((host, int(port)))


@pytest.mark.skipif(sys.platform != "linux", reason="needs prctl")
def test_workers_end_with_a_supervisor_that_was_killed(flags: list[str]) -> None:
    with running_gateway(flags) as gateway:
        workers = workers_of(gateway)
        gateway.process.kill()
        wait_until(lambda: not any(worker.is_running() for worker in workers))


@pytest.mark.parametrize("fault", ["a port in use", "a broken file"])
def test_what_is_wrong_at_the_start_is_told_once(
    flags: list[str], gateway: GatewayProcess, tmp_path: Path, fault: str
) -> None:
    broken = tmp_path / "keys.toml"
    broken.write_text("keys = 3")
    port = gateway.address.rpartition(":")[2]
    own = {
        "a port in use": ([f"--grpc-port={port}", "--no-http"], "the port is in use"),
        "a broken file": (["--grpc-port=0", f"--api-keys={broken}", "--no-http"], "keys.toml: "),
    }
    more, words = own[fault]
    result = subprocess.run(
        [*GATEWAY_COMMAND, *flags, *more], check=False, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 1
    assert result.stderr.count("heed: error: ") == 1
    assert words in result.stderr


def test_a_directory_without_models_is_told_before_anything_starts(tmp_path: Path) -> None:
    flags = ["--models-dir", str(tmp_path), "--workers=2", "--grpc-port=0", "--no-http"]
    result = subprocess.run(
        [*GATEWAY_COMMAND, *flags], check=False, capture_output=True, text=True, timeout=60
    )
    assert (result.returncode, result.stderr.count("heed: error: ")) == (1, 1)
    assert "holds no exported model" in result.stderr


@pytest.mark.timeout(400)  # TensorFlow loads twice on the way
def test_one_local_model_server_serves_all_workers(exported_models_dir: Path) -> None:
    flags = ["--models-dir", str(exported_models_dir), "--model", SMALL_MODEL, "--workers=2"]
    with running_gateway(flags) as gateway:
        everybody = psutil.Process(gateway.process.pid).children(recursive=True)
        names = [" ".join(each.cmdline()) for each in everybody]
        assert sum("-m model_server" in name for name in names) == 1
        for _ in range(4):
            generate_on_a_new_connection(gateway)
