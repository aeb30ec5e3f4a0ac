"""Labels and canaries, as callers meet them."""

from __future__ import annotations

import collections
import json
import subprocess
import sys
from collections.abc import Iterator

import grpc
import pytest
from google.rpc import error_details_pb2

from heed.client import Client, ModelVersion
from heed.v1 import inference_pb2, model_pb2
from tests.support.gateway import (
    GatewayProcess,
    detail_of,
    error_of,
    generate_request,
    running_gateway,
    violations_of,
)
from tests.support.stub_model_server import MODEL_NAME, StubModelServer, running_stub
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def stub() -> Iterator[StubModelServer]:
    with running_stub() as stub:
        stub.available = [7, 6, 5]
        yield stub


@pytest.fixture(scope="module")
def gateway(stub: StubModelServer) -> Iterator[GatewayProcess]:
    flags = ["--model-server", stub.address, "--model", MODEL_NAME, "--poll-interval-s=0.05"]
    choice = ["--canary=echo:7=20%", "--model-label=echo:stable=5,echo:lost=99"]
    with running_gateway([*flags, *choice]) as gateway:
        yield gateway


def described(gateway: GatewayProcess) -> model_pb2.Model:
    return gateway.stub.GetModel(inference_pb2.GetModelRequest(), timeout=10).model


def version_for(gateway: GatewayProcess, request_id: str) -> int:
    metadata = [("x-request-id", request_id)]
    answer = gateway.stub.Generate(generate_request("abc"), timeout=20, metadata=metadata)
    return int(answer.model.version)


def test_a_canary_gets_its_share_of_the_calls_and_the_same_calls_each_time(
    gateway: GatewayProcess,
) -> None:
    first = [version_for(gateway, f"call-{index}") for index in range(200)]
    counts = collections.Counter(first)
    assert set(counts) == {6, 7}
    assert 20 <= counts[7] <= 60
    assert [version_for(gateway, f"call-{index}") for index in range(30)] == first[:30]


def test_the_shares_and_labels_are_described(gateway: GatewayProcess) -> None:
    model = described(gateway)
    assert model.version == 6
    told = [(s.version, round(s.traffic_share, 6), list(s.labels)) for s in model.versions]
    assert told == [(7, 0.2, []), (6, 0.8, []), (5, 0.0, ["stable"])]
    with Client(gateway.address) as client:
        statuses = client.model(MODEL_NAME).versions
    assert [(s.version, str(s.condition), s.replica_count, s.labels) for s in statuses] == [
        *((7, "ready", 1, ()), (6, "ready", 1, ()), (5, "ready", 1, ("stable",)))
    ]


def test_a_version_is_asked_for_by_its_label(gateway: GatewayProcess) -> None:
    with Client(gateway.address) as client:
        answer = client.generate("abc", model=ModelVersion(label="stable"))
    assert answer.model == ModelVersion(MODEL_NAME, 5)
    request = inference_pb2.GetModelRequest(model=inference_pb2.ModelSelector(label="stable"))
    assert gateway.stub.GetModel(request, timeout=10).model.version == 5


def heed(*arguments: str) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "heed", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60, stdin=subprocess.DEVNULL
    ).stdout


def test_commands_take_labels_and_show_what_became_of_versions(gateway: GatewayProcess) -> None:
    address = ["--address", gateway.address]
    answer = json.loads(heed("generate", "abc", "--model-label=stable", "--json", *address))
    assert answer["model"] == {"name": MODEL_NAME, "version": 5}
    table = heed("models", *address)
    assert "7 (0.2 of calls), 6 (0.8 of calls), 5 (stable)" in table
    assert "1 of 1" in table
    (model,) = json.loads(heed("models", "--json", *address))
    assert model["replica_count"] == model["healthy_replica_count"] == 1
    assert model["versions"][2] == {
        "version": 5,
        "condition": "ready",
        "replica_count": 1,
        "message": "",
        "labels": ["stable"],
        "traffic_share": 0.0,
    }


@pytest.mark.parametrize(
    ("selector", "code", "reason", "words"),
    [
        (
            {"label": "nightly"},
            grpc.StatusCode.NOT_FOUND,
            "UNKNOWN_LABEL",
            "model 'echo' has no label 'nightly'; its labels are: lost, stable",
        ),
        (
            {"label": "lost"},
            grpc.StatusCode.NOT_FOUND,
            "UNKNOWN_VERSION",
            "version 99 of model 'echo' is not ready; the versions that are: 7, 6, 5",
        ),
        (
            {"label": "stable", "version": 5},
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_REQUEST",
            "model.label: must be empty if model.version is set",
        ),
    ],
)
def test_a_label_that_cannot_be_followed_is_a_clear_error(
    gateway: GatewayProcess,
    selector: dict[str, object],
    code: grpc.StatusCode,
    reason: str,
    words: str,
) -> None:
    request = inference_pb2.GenerateRequest(
        model=inference_pb2.ModelSelector(**selector), texts=["abc"]
    )
    error = error_of(lambda: gateway.stub.Generate(request, timeout=10))
    assert (error.code(), error.details()) == (code, words)
    assert detail_of(error, error_details_pb2.ErrorInfo).reason == reason


def test_an_endless_label_is_not_looked_up(gateway: GatewayProcess) -> None:
    request = inference_pb2.GenerateRequest(
        model=inference_pb2.ModelSelector(label="l" * 200), texts=["abc"]
    )
    error = error_of(lambda: gateway.stub.Generate(request, timeout=10))
    assert violations_of(error) == {"model.label": "must have at most 128 characters, got 200"}


def test_a_canary_that_is_gone_costs_nothing(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    stub.available = [6, 5]
    wait_until(lambda: list(described(gateway).ready_versions) == [6, 5])
    assert {version_for(gateway, f"call-{index}") for index in range(40)} == {6}
    stub.available = [7, 6, 5]
    wait_until(lambda: list(described(gateway).ready_versions) == [7, 6, 5])
