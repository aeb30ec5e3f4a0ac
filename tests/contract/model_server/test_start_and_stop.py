"""Start-up, what ends it, health, limits and flags of the process."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.support.model_server import (
    ModelServerFailedError,
    model_flags,
    running_server_under_test,
)
from tests.support.saved_models import publish_copy
from tests.support.serving_client import ServingClient, refused, serving_client, tensor

MODEL = "full"


def failure(flags: list[str]) -> str:
    with pytest.raises(ModelServerFailedError) as caught, running_server_under_test(flags):
        pass
    return str(caught.value)


def test_a_model_that_cannot_be_loaded_ends_the_process(tmp_path: Path) -> None:
    (tmp_path / "m" / "1").mkdir(parents=True)
    message = failure(model_flags("m", tmp_path / "m"))
    assert "1 servable(s) did not become available: {{name: m version: 1} due to error: " in message
    assert "ended with status 0" not in message


def test_a_relative_base_path_ends_the_process() -> None:
    assert "Expected model m to have an absolute path or URI; got base_path()=models" in failure(
        model_flags("m", Path("models"))
    )


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("nonsense", "Invalid protobuf file"),
        ('model_config_list { config { name: "m" base_path: "/m" } }', "Illegal setting neither"),
        (
            'model_config_list { config { name: "m" base_path: "/m" model_platform: "onnx" } }',
            "Model m requests unsupported platform onnx",
        ),
    ],
)
def test_a_wrong_configuration_ends_the_process(tmp_path: Path, config: str, message: str) -> None:
    file = tmp_path / "models.config"
    file.write_text(config)
    assert message in failure([f"--model_config_file={file}"])


def test_a_model_listed_twice_ends_the_process(tmp_path: Path) -> None:
    file = tmp_path / "models.config"
    model = 'config { name: "m" base_path: "/m" model_platform: "tensorflow" }'
    file.write_text(f"model_config_list {{ {model} {model} }}")
    message = failure([f"--model_config_file={file}"])
    assert "Illegal to list model m multiple times in config list" in message


def test_several_models_are_served_from_a_file(full_model: Path, tmp_path: Path) -> None:
    publish_copy(full_model, tmp_path / "b", 9)
    file = tmp_path / "models.config"
    file.write_text(
        "model_config_list {"
        f' config {{ name: "a" base_path: "{full_model.parent}" model_platform: "tensorflow" }}'
        f' config {{ name: "b" base_path: "{tmp_path / "b"}" model_platform: "tensorflow" }} }}'
    )
    with (
        running_server_under_test([f"--model_config_file={file}"]) as server,
        serving_client(server.address) as client,
    ):
        assert client.states("a") == [(3, "AVAILABLE", 0)]
        assert client.states("b") == [(9, "AVAILABLE", 0)]


def test_health_is_off_by_default(client: ServingClient) -> None:
    with refused(grpc.StatusCode.UNIMPLEMENTED):
        health_pb2_grpc.HealthStub(client.channel).Check(health_pb2.HealthCheckRequest(), timeout=5)


def test_health_says_serving_when_it_is_switched_on(full_model: Path) -> None:
    flags = [*model_flags(MODEL, full_model.parent), "--enable_grpc_healthcheck_service"]
    with running_server_under_test(flags) as server, serving_client(server.address) as client:
        health = health_pb2_grpc.HealthStub(client.channel)
        for service in ("", "ModelService", "PredictionService"):
            request = health_pb2.HealthCheckRequest(service=service)
            assert health.Check(request, timeout=5).status == 1
        with refused(grpc.StatusCode.NOT_FOUND):
            health.Check(health_pb2.HealthCheckRequest(service="nothing"), timeout=5)


def test_calls_beyond_the_thread_limit_are_refused_at_once(full_model: Path) -> None:
    flags = [*model_flags(MODEL, full_model.parent), "--grpc_max_threads=2"]
    with (
        running_server_under_test(flags) as server,
        serving_client(server.address) as client,
        ThreadPoolExecutor(8) as callers,
    ):
        start = threading.Barrier(8)

        def call() -> grpc.StatusCode:
            start.wait()
            with pytest.raises(grpc.RpcError) as caught:
                client.predict(
                    MODEL, {"steps": tensor([10**12], np.int64)}, signature="loop", timeout_s=2
                )
            return caught.value.code()

        codes = [future.result() for future in [callers.submit(call) for _ in range(8)]]
    assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 6
    assert codes.count(grpc.StatusCode.DEADLINE_EXCEEDED) == 2
