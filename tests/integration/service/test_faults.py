"""The model server dies, hangs and comes back; callers hear of it, and nothing hangs."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2

from heed.v1 import inference_pb2
from tests.support.exported_model import MODEL_NAME, copy_models_dir, publish_copy
from tests.support.gateway import (
    GatewayProcess,
    detail_of,
    error_of,
    generate_request,
    running_gateway,
)
from tests.support.load import Load, stopped
from tests.support.model_server import ModelServerProcess, model_flags, running_model_server
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def models_dir(exported_models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of models that these tests may change."""
    return copy_models_dir(exported_models_dir, tmp_path_factory.mktemp("own") / "models")


@pytest.fixture(scope="module")
def own_server(models_dir: Path) -> Iterator[ModelServerProcess]:
    """A model server that tests may freeze, and the last one may kill."""
    with running_model_server(model_flags(MODEL_NAME, models_dir / MODEL_NAME)) as server:
        yield server


@pytest.fixture(scope="module")
def own_gateway(own_server: ModelServerProcess) -> Iterator[GatewayProcess]:
    """A gateway in front of it, with one batch at a time."""
    flags = ["--model-server", own_server.address, "--model", MODEL_NAME]
    with running_gateway([*flags, "--max-batches-in-flight=1"]) as gateway:
        yield gateway


@pytest.fixture
def load(own_gateway: GatewayProcess) -> Iterator[Load]:
    load = Load(own_gateway)
    try:
        yield load
    finally:
        load.end()


def test_a_hanging_model_server_costs_the_deadline_and_no_more(
    own_server: ModelServerProcess, own_gateway: GatewayProcess
) -> None:
    own_gateway.stub.Generate(generate_request("heed"), timeout=30)
    with stopped(own_server):
        began = time.monotonic()
        first = own_gateway.stub.Generate.future(generate_request("heed"), timeout=1.0)
        time.sleep(0.1)
        second = own_gateway.stub.Generate.future(generate_request("heed"), timeout=0.5)
        stages = []
        for call in (first, second):
            error = error_of(call.result)
            assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            info = detail_of(error, error_details_pb2.ErrorInfo)
            assert info.reason == "DEADLINE_PASSED"
            stages.append(info.metadata["stage"])
        assert time.monotonic() - began < 1.5
        assert stages == ["model", "queue"]
    assert own_gateway.stub.Generate(generate_request("heed"), timeout=30).results


def test_a_model_server_that_stays_hung_makes_the_gateway_not_ready_until_it_goes_on(
    own_server: ModelServerProcess, own_gateway: GatewayProcess
) -> None:
    with stopped(own_server):
        wait_until(lambda: own_gateway.health() == "NOT_SERVING", timeout_s=20)
        error = error_of(lambda: own_gateway.stub.Generate(generate_request("heed"), timeout=30))
        assert error.code() is grpc.StatusCode.UNAVAILABLE
    wait_until(lambda: own_gateway.health() == "SERVING", timeout_s=30)
    assert own_gateway.stub.Generate(generate_request("heed"), timeout=30).results


def test_cancelled_callers_leave_the_queue_and_their_neighbours_unharmed(
    own_server: ModelServerProcess, own_gateway: GatewayProcess
) -> None:
    with stopped(own_server):
        calls = [
            own_gateway.stub.Generate.future(generate_request("heed"), timeout=30)
            for _ in range(60)
        ]
        time.sleep(0.3)
        for call in calls[::2]:
            call.cancel()
        time.sleep(0.1)
    answers = [call.result() for call in calls[1::2]]
    assert all(len(answer.results) == 1 for answer in answers)
    assert all(call.cancelled() for call in calls[::2])


def test_a_full_queue_refuses_at_once_and_says_when_to_come_back(
    own_server: ModelServerProcess,
) -> None:
    flags = ["--model-server", own_server.address, "--model", MODEL_NAME]
    limits = ["--max-batches-in-flight=1", "--max-queue-tokens=40"]
    with running_gateway([*flags, *limits]) as gateway, stopped(own_server):
        in_model_server = gateway.stub.Generate.future(generate_request("abcdefghij"), timeout=60)
        wait_until(lambda: stage_of_a_late_call(gateway) == "queue")
        waiting = [
            gateway.stub.Generate.future(generate_request("abcdefghij"), timeout=60)
            for _ in range(4)
        ]
        wait_until(lambda: stage_of_a_late_call(gateway) == "refused")
        began = time.monotonic()
        error = error_of(lambda: gateway.stub.Generate(generate_request("heed"), timeout=10))
        assert time.monotonic() - began < 1
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        info = detail_of(error, error_details_pb2.ErrorInfo)
        assert info.reason == "QUEUE_FULL"
        assert dict(info.metadata) == {"waiting_tokens": "40", "max_queue_tokens": "40"}
        pause = detail_of(error, error_details_pb2.RetryInfo).retry_delay
        assert 0.05 <= pause.ToNanoseconds() / 1e9 <= 30
        waiting.pop().cancel()
        wait_until(lambda: stage_of_a_late_call(gateway) == "queue")
        own_server.process.send_signal(signal.SIGCONT)
        assert all(call.result().results for call in [in_model_server, *waiting])


def stage_of_a_late_call(gateway: GatewayProcess) -> str:
    """Where a call with little time ends: "queue", "model", "refused", or "unknown"."""
    error = error_of(lambda: gateway.stub.Generate(generate_request("heed"), timeout=0.3))
    if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return "refused"
    if "grpc-status-details-bin" not in dict(error.trailing_metadata() or ()):
        return "unknown"  # the time was up before the gateway's words came
    return detail_of(error, error_details_pb2.ErrorInfo).metadata["stage"]


def test_sigterm_answers_what_was_accepted_and_exits_with_0(
    own_server: ModelServerProcess,
) -> None:
    flags = ["--model-server", own_server.address, "--model", MODEL_NAME]
    with running_gateway(flags) as gateway:
        with stopped(own_server):
            calls = [
                gateway.stub.Generate.future(generate_request("heed"), timeout=30)
                for _ in range(20)
            ]
            time.sleep(0.5)
            gateway.process.terminate()
            time.sleep(0.5)
            assert gateway.process.poll() is None
            turned_away = error_of(
                lambda: gateway.stub.Generate(generate_request("heed"), timeout=30)
            )
            assert turned_away.code() is grpc.StatusCode.UNAVAILABLE
            assert detail_of(turned_away, error_details_pb2.ErrorInfo).reason == "DRAINING"
            assert gateway.health() == "NOT_SERVING"
        assert all(call.result().results for call in calls)
        assert gateway.process.wait(20) == 0
        late = error_of(lambda: gateway.stub.Generate(generate_request("heed"), timeout=30))
        assert late.code() is grpc.StatusCode.UNAVAILABLE


def test_sigterm_under_load_ends_no_call_halfway(own_server: ModelServerProcess) -> None:
    flags = ["--model-server", own_server.address, "--model", MODEL_NAME]
    with running_gateway(flags) as gateway:
        load = Load(gateway, callers=12, give_up=True)
        load.wait_for("OK", 50)
        gateway.process.terminate()
        assert gateway.process.wait(20) == 0
        load.end()
    assert set(load.outcomes) == {"OK", "UNAVAILABLE"}


def test_garbage_on_the_port_harms_nobody(own_gateway: GatewayProcess) -> None:
    host, _, port = own_gateway.address.rpartition(":")
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 10_000, b"PRI * HTTP/2.0\r\n\r\nSM"):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(garbage)
    assert own_gateway.stub.Generate(generate_request("heed"), timeout=30).results


def test_a_call_for_a_version_that_goes_away_is_told_so(
    own_gateway: GatewayProcess,
) -> None:
    request = generate_request("heed")
    request.model.version = 77
    error = error_of(lambda: own_gateway.stub.Generate(request, timeout=10))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert detail_of(error, error_details_pb2.ErrorInfo).reason == "UNKNOWN_VERSION"


def test_a_new_version_published_under_load_fails_no_call(
    own_gateway: GatewayProcess, load: Load, models_dir: Path
) -> None:
    load.wait_for("OK", 20)
    assert load.versions == {1}
    publish_copy(models_dir, 2)
    wait_until(lambda: 2 in load.versions, timeout_s=60)
    wait_until(
        lambda: (
            list(own_gateway.stub.GetModel(inference_pb2.GetModelRequest()).model.ready_versions)
            == [2]
        ),
        timeout_s=30,
    )
    load.wait_for("OK", 50)
    load.end()
    assert set(load.outcomes) == {"OK"}


def test_a_model_server_killed_under_load_costs_unavailable_and_never_a_hang(
    own_server: ModelServerProcess, own_gateway: GatewayProcess, load: Load, models_dir: Path
) -> None:
    load.wait_for("OK", 20)
    own_server.kill()
    load.wait_for("UNAVAILABLE", 20)
    wait_until(lambda: own_gateway.health() == "NOT_SERVING")
    error = error_of(lambda: own_gateway.stub.Generate(generate_request("heed"), timeout=10))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    reason = detail_of(error, error_details_pb2.ErrorInfo).reason
    assert reason == "MODEL_SERVER_UNREACHABLE"
    described = own_gateway.stub.GetModel(inference_pb2.GetModelRequest(), timeout=30).model
    assert not described.ready
    assert described.status_message == "the model server does not answer (UNAVAILABLE)"
    flags = model_flags(MODEL_NAME, models_dir / MODEL_NAME)
    with running_model_server(flags, port=own_server.port):
        assert load.wait_for("OK", 20, timeout_s=30) < 30
        assert own_gateway.health() == "SERVING"
        load.end()
    assert set(load.outcomes) == {"OK", "UNAVAILABLE"}
    assert load.longest_s < 10
