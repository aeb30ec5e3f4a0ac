"""Three real model servers behind one gateway: one hangs, one is killed, versions roll out."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from heed.v1 import inference_pb2, model_pb2
from tests.support.exported_model import MODEL_NAME, copy_models_dir, publish_copy
from tests.support.gateway import (
    GatewayProcess,
    error_of,
    generate_request,
    running_gateway,
)
from tests.support.load import Load, stopped
from tests.support.model_server import (
    ModelServerProcess,
    end_model_server,
    start_model_server,
)
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(400)  # three model servers start at once

NAMES = ("a", "b", "c")
CONFIG = "models.config"
FLAGS = (
    "--model_config_file_poll_wait_seconds=0.1",
    "--allow_version_labels_for_unavailable_models",
)


@pytest.fixture(scope="module")
def models_dirs(
    exported_models_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Each model server's own directory of models."""
    folder = tmp_path_factory.mktemp("replicas")
    return {name: copy_models_dir(exported_models_dir, folder / name) for name in NAMES}


def start(models_dir: Path, port: int = 0) -> ModelServerProcess:
    """A model server whose configuration, with labels, is the directory's own."""
    flags = [f"--model_config_file={models_dir / CONFIG}", *FLAGS]
    return start_model_server(flags, port=port, timeout_s=180)  # several start at once


def set_labels(models_dir: Path, **labels: int) -> None:
    """These are the labels of a model server from now on."""
    entries = " ".join(
        f'version_labels {{ key: "{label}" value: {version} }}' for label, version in labels.items()
    )
    (models_dir / CONFIG).write_text(
        f'model_config_list {{ config {{ name: "{MODEL_NAME}" model_platform: "tensorflow" '
        f'base_path: "{models_dir / MODEL_NAME}" {entries} }} }}'
    )


@pytest.fixture(scope="module")
def servers(models_dirs: dict[str, Path]) -> Iterator[dict[str, ModelServerProcess]]:
    """Three model servers that tests may freeze and kill, if they bring them back."""
    running: dict[str, ModelServerProcess] = {}
    for name, models_dir in models_dirs.items():
        set_labels(models_dir, **({"stable": 1} if name == "a" else {}))

    def start_one(name: str) -> None:
        running[name] = start(models_dirs[name])

    try:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(start_one, NAMES))
        yield running
    finally:
        for server in running.values():
            end_model_server(server)


@pytest.fixture(scope="module")
def gateway(servers: dict[str, ModelServerProcess]) -> Iterator[GatewayProcess]:
    addresses = ",".join(server.address for server in servers.values())
    flags = ["--model-server", addresses, "--model", MODEL_NAME, "--poll-interval-s=0.2"]
    with running_gateway([*flags, "--ejection-s=0.5", "--model-label=g2p:stable"]) as gateway:
        yield gateway


@pytest.fixture
def load(gateway: GatewayProcess) -> Iterator[Load]:
    wait_until(lambda: described(gateway).healthy_replica_count == 3, timeout_s=30)
    load = Load(gateway, pause_s=0.03)  # so that new versions load in good time
    try:
        yield load
    finally:
        load.end()


def described(gateway: GatewayProcess) -> model_pb2.Model:
    return gateway.stub.GetModel(inference_pb2.GetModelRequest(), timeout=10).model


def replicas_of(gateway: GatewayProcess, version: int) -> int:
    counts = {status.version: status.replica_count for status in described(gateway).versions}
    return counts.get(version, 0)


def test_all_of_them_are_known_and_share_the_calls(
    gateway: GatewayProcess, servers: dict[str, ModelServerProcess], load: Load
) -> None:
    before = {name: server.cpu_seconds() for name, server in servers.items()}
    load.wait_for("OK", 150)
    used = [server.cpu_seconds() - before[name] for name, server in servers.items()]
    assert min(used) > 0.2 * max(used) > 0
    model = described(gateway)
    assert (model.replica_count, model.healthy_replica_count) == (3, 3)
    assert [(s.version, s.replica_count, s.traffic_share) for s in model.versions] == [(1, 3, 1.0)]


def labelled(label: str) -> inference_pb2.GenerateRequest:
    selector = inference_pb2.ModelSelector(label=label)
    return inference_pb2.GenerateRequest(model=selector, texts=["heed"])


def test_a_label_that_one_of_them_knows_is_followed(
    gateway: GatewayProcess, models_dirs: dict[str, Path]
) -> None:
    assert gateway.stub.Generate(labelled("stable"), timeout=30).model.version == 1
    assert list(described(gateway).versions[0].labels) == ["stable"]
    set_labels(models_dirs["a"])
    wait_until(lambda: not described(gateway).versions[0].labels)
    error = error_of(lambda: gateway.stub.Generate(labelled("stable"), timeout=30))
    assert (error.code(), error.details()) == (
        grpc.StatusCode.NOT_FOUND,
        "model 'g2p' has no label 'stable'; its labels are: none",
    )


def test_one_that_hangs_under_load_fails_no_call_and_comes_back(
    gateway: GatewayProcess, servers: dict[str, ModelServerProcess], load: Load
) -> None:
    load.wait_for("OK", 20)
    with stopped(servers["b"]):
        wait_until(lambda: described(gateway).healthy_replica_count == 2, timeout_s=30)
        load.wait_for("OK", 50)
        assert gateway.health() == "SERVING"
    wait_until(lambda: described(gateway).healthy_replica_count == 3, timeout_s=30)
    load.wait_for("OK", 50)
    load.end()
    assert set(load.outcomes) == {"OK"}, load.failures
    assert load.longest_s < 15  # what hung was answered by the others


def test_one_that_is_killed_under_load_fails_no_call(
    gateway: GatewayProcess, servers: dict[str, ModelServerProcess], load: Load
) -> None:
    load.wait_for("OK", 20)
    servers["b"].kill()
    wait_until(lambda: described(gateway).healthy_replica_count == 2, timeout_s=30)
    load.wait_for("OK", 50)
    load.end()
    assert set(load.outcomes) == {"OK"}, load.failures
    model = described(gateway)
    assert (model.ready, model.replica_count, model.status_message) == (True, 3, "")


def test_a_roll_out_under_load_fails_no_call(
    gateway: GatewayProcess, servers: dict[str, ModelServerProcess], models_dirs: dict[str, Path]
) -> None:
    """One swaps versions while it runs; one was killed, and comes back with the new version."""
    load = Load(gateway, pause_s=0.03)
    try:
        publish_copy(models_dirs["a"], 2)
        wait_until(lambda: replicas_of(gateway, 2) == 1 == replicas_of(gateway, 1), timeout_s=120)
        by_number = generate_request("heed")
        by_number.model.version = 2
        assert gateway.stub.Generate(by_number, timeout=30).model.version == 2
        publish_copy(models_dirs["b"], 2)
        killed = servers["b"]
        servers["b"] = start(models_dirs["b"], killed.port)
        killed.log_path.unlink()
        wait_until(lambda: replicas_of(gateway, 2) == 2, timeout_s=120)
        wait_until(lambda: 2 in load.versions)
        load.wait_for("OK", 20)
    finally:
        load.end()
    assert set(load.outcomes) == {"OK"}, load.failures
    model = described(gateway)
    assert (model.version, list(model.ready_versions)) == (2, [2, 1])
    assert [(s.version, s.replica_count) for s in model.versions[:2]] == [(2, 2), (1, 1)]
    assert "model g2p answers with version 2" in gateway.log()
