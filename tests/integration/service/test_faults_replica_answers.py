"""Several model servers of which one answers wrongly, slowly, or has another model."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2

from heed.v1 import inference_pb2, model_pb2
from heed.wire.v1 import serving_pb2
from service.backends.tensor_codec import encode_tensor
from tests.support.gateway import (
    GatewayProcess,
    detail_of,
    error_of,
    generate_request,
    running_gateway,
)
from tests.support.stub_model_server import MODEL_NAME, StubModelServer, abort, running_stub
from tests.support.waiting import wait_until

READY, REFUSED = model_pb2.VERSION_CONDITION_READY, model_pb2.VERSION_CONDITION_REFUSED


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[list[StubModelServer], GatewayProcess]]:
    with contextlib.ExitStack() as stack:
        stubs = [stack.enter_context(running_stub()) for _ in range(3)]
        addresses = ",".join(stub.address for stub in stubs)
        flags = ["--model-server", addresses, "--model", MODEL_NAME, "--poll-interval-s=0.05"]
        ejection = ["--ejection-s=0.3", "--eject-after-failures=3"]
        yield stubs, stack.enter_context(running_gateway([*flags, *ejection]))


@pytest.fixture
def stubs(
    shared: tuple[list[StubModelServer], GatewayProcess],
) -> Iterator[list[StubModelServer]]:
    """The stubs without faults, with one more version than any test before."""
    stubs, gateway = shared
    version = max(stub.available[0] for stub in stubs) + 1
    for stub in stubs:
        make_well(stub)
        stub.available = [version]
    wait_until(lambda: state_of(gateway, version) == (READY, 3), lambda: str(described(gateway)))
    yield stubs
    for stub in stubs:
        make_well(stub)


def make_well(stub: StubModelServer) -> None:
    fresh = StubModelServer()
    stub.predict_fault, stub.status_fault, stub.failed = None, None, {}
    stub.contract, stub.source_tokenizer = fresh.contract, fresh.source_tokenizer
    stub.requests.clear()


@pytest.fixture
def gateway(shared: tuple[list[StubModelServer], GatewayProcess]) -> GatewayProcess:
    return shared[1]


def described(gateway: GatewayProcess) -> model_pb2.Model:
    return gateway.stub.GetModel(inference_pb2.GetModelRequest(), timeout=10).model


def state_of(gateway: GatewayProcess, version: int) -> tuple[int, int] | None:
    """A version's condition, and how many model servers answer it."""
    for status in described(gateway).versions:
        if status.version == version:
            return status.condition, status.replica_count
    return None


def generate(gateway: GatewayProcess, timeout_s: float = 20) -> inference_pb2.GenerateResponse:
    return gateway.stub.Generate(generate_request("abc"), timeout=timeout_s)


def outcomes(gateway: GatewayProcess, calls: int) -> list[str]:
    """How calls made one after the other ended: "OK", or the status."""
    ends = []
    for _ in range(calls):
        try:
            assert generate(gateway).results[0].hypotheses[0].text == "abc"
            ends.append("OK")
        except grpc.RpcError as error:
            ends.append(error.code().name)
    return ends


def answered(stub: StubModelServer) -> int:
    return len(stub.requests)


def unavailable(request: serving_pb2.PredictRequest, response: serving_pb2.PredictResponse) -> None:
    abort(grpc.StatusCode.UNAVAILABLE)


def busy(request: serving_pb2.PredictRequest, response: serving_pb2.PredictResponse) -> None:
    abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Server Threadpool Exhausted")


def test_failures_of_one_reach_no_caller_and_soon_cost_it_its_calls(
    stubs: list[StubModelServer], gateway: GatewayProcess
) -> None:
    stubs[0].predict_fault = unavailable
    assert set(outcomes(gateway, 60)) == {"OK"}
    assert answered(stubs[0]) < 20  # a third of the calls would have been its share
    stubs[0].predict_fault = None
    wait_until(lambda: generate(gateway) and answered(stubs[0]) > 30)  # it is back


def test_one_without_room_reaches_no_caller(
    stubs: list[StubModelServer], gateway: GatewayProcess
) -> None:
    stubs[1].predict_fault = busy
    assert set(outcomes(gateway, 30)) == {"OK"}


def test_when_all_fail_the_budget_bounds_the_calls_that_are_made(
    stubs: list[StubModelServer], gateway: GatewayProcess
) -> None:
    for stub in stubs:
        stub.predict_fault = unavailable
    assert set(outcomes(gateway, 150)) == {"UNAVAILABLE"}
    sent = sum(answered(stub) for stub in stubs)
    assert 150 <= sent < 150 * 1.2 + 25 + 40  # the share, the burst, and trials of the versions


def test_a_slow_one_gets_few_of_the_calls(
    stubs: list[StubModelServer], gateway: GatewayProcess
) -> None:
    for stub in stubs:
        stub.predict_fault = lambda request, response: time.sleep(0.02)
    outcomes(gateway, 75)  # what is usual must be known
    stubs[2].predict_fault = lambda request, response: time.sleep(0.16)
    stubs[2].requests.clear()
    wait_until(lambda: generate(gateway) and "times as long as the others" in gateway.log())
    stubs[2].predict_fault = stubs[1].predict_fault
    before = answered(stubs[2])
    wait_until(lambda: generate(gateway) and answered(stubs[2]) > before + 5)


def test_another_contract_under_the_same_number_is_refused_where_it_is(
    stubs: list[StubModelServer], gateway: GatewayProcess
) -> None:
    version = stubs[0].available[0]
    for stub in stubs[:2]:
        stub.available = [version + 1, version]
    wait_until(lambda: state_of(gateway, version + 1) == (READY, 2))
    stubs[2].change_contract(max_source_tokens=9)
    stubs[2].available = [version + 1]
    wait_until(lambda: "was refused" in described(gateway).status_message)
    message = described(gateway).status_message
    assert f"version {version + 1} was refused (1 of 3 model servers): its contract" in message
    assert "are not those of the same version on another model server (SHA-256 " in message
    assert state_of(gateway, version + 1) == (READY, 2)
    stubs[2].requests.clear()
    assert set(outcomes(gateway, 20)) == {"OK"}
    assert answered(stubs[2]) == 0
    refusal = rf"version {version + 1} of model echo on {stubs[2].address} is refused: its contract"
    gateway.wait_for_log(re.compile(refusal))


def test_a_roll_out_of_a_version_that_breaks_its_contract_leaves_the_old_one_in_place(
    stubs: list[StubModelServer], gateway: GatewayProcess
) -> None:
    version = stubs[0].available[0]
    for count, stub in enumerate(stubs, start=1):
        stub.change_contract(contract_version=99)
        stub.available = [version + 1, version]
        wait_until(lambda: f"({count} of 3 model servers)" in described(gateway).status_message)  # noqa: B023
        assert generate(gateway).model.version == version
    model = described(gateway)
    assert (model.ready, model.version, list(model.ready_versions)) == (True, version, [version])
    assert "version 99; this release reads" in model.status_message
    assert state_of(gateway, version + 1) == (REFUSED, 0)


def test_a_version_whose_scores_are_not_numbers_is_refused_before_callers_meet_it(
    stubs: list[StubModelServer], gateway: GatewayProcess
) -> None:
    version = stubs[0].available[0]

    def spoil(request: serving_pb2.PredictRequest, response: serving_pb2.PredictResponse) -> None:
        if request.model_spec.version.value > version and "scores" in response.outputs:
            shape = [dim.size for dim in response.outputs["scores"].tensor_shape.dim]
            nan = np.full(shape, np.nan, np.float32)
            response.outputs["scores"].CopyFrom(encode_tensor(nan))

    for stub in stubs:
        stub.predict_fault = spoil
        stub.available = [version + 1, version]
    wait_until(lambda: "was refused" in described(gateway).status_message)
    assert "output 'scores' of signature" in described(gateway).status_message
    assert "holds NaN or infinity" in described(gateway).status_message
    assert set(outcomes(gateway, 10)) == {"OK"}


def test_wrong_answers_of_one_lose_it_the_version(
    stubs: list[StubModelServer], gateway: GatewayProcess
) -> None:
    def lose_rows(
        request: serving_pb2.PredictRequest, response: serving_pb2.PredictResponse
    ) -> None:
        response.outputs["scores"].CopyFrom(encode_tensor(np.zeros((9, 1), np.float32)))

    version = stubs[0].available[0]
    stubs[1].predict_fault = lose_rows
    ends: list[str] = []
    wait_until(
        lambda: ends.extend(outcomes(gateway, 1)) or state_of(gateway, version) == (READY, 2)
    )
    assert set(ends) <= {"OK", "FAILED_PRECONDITION"}
    assert "(1 of 3 model servers)" in described(gateway).status_message
    assert "'scores' has 9 rows, expected 1" in described(gateway).status_message
    assert set(outcomes(gateway, 20)) == {"OK"}


def test_the_only_one_with_the_new_version_dying_costs_no_call(
    stubs: list[StubModelServer], gateway: GatewayProcess
) -> None:
    version = stubs[0].available[0]
    stubs[0].available = [version + 1]
    stubs[1].status_fault = lambda: abort(grpc.StatusCode.UNAVAILABLE)
    wait_until(lambda: described(gateway).version == version + 1)
    stubs[0].predict_fault = unavailable
    assert generate(gateway).model.version == version


def test_a_model_that_one_does_not_know_is_answered_by_the_others(
    stubs: list[StubModelServer], gateway: GatewayProcess
) -> None:
    stubs[0].status_fault = lambda: abort(grpc.StatusCode.NOT_FOUND)
    wait_until(lambda: described(gateway).healthy_replica_count == 2)
    stubs[0].requests.clear()
    assert set(outcomes(gateway, 10)) == {"OK"}
    assert answered(stubs[0]) == 0


def test_a_busy_answer_to_the_question_of_health_is_no_absence(
    stubs: list[StubModelServer], gateway: GatewayProcess
) -> None:
    for stub in stubs:
        stub.status_fault = lambda: abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "exhausted")
    time.sleep(0.3)
    assert described(gateway).healthy_replica_count == 3
    assert set(outcomes(gateway, 5)) == {"OK"}


def test_deadlines_hold_across_repetitions(
    stubs: list[StubModelServer], gateway: GatewayProcess
) -> None:
    def slow_failure(
        request: serving_pb2.PredictRequest, response: serving_pb2.PredictResponse
    ) -> None:
        time.sleep(0.4)
        abort(grpc.StatusCode.UNAVAILABLE)

    for stub in stubs:
        stub.predict_fault = slow_failure
    began = time.monotonic()
    error = error_of(lambda: generate(gateway, timeout_s=0.6))
    assert time.monotonic() - began < 1.2
    assert error.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)


def test_errors_do_not_name_addresses(
    stubs: list[StubModelServer], gateway: GatewayProcess
) -> None:
    for stub in stubs:
        stub.predict_fault = unavailable
    error = error_of(lambda: generate(gateway))
    assert detail_of(error, error_details_pb2.ErrorInfo).reason == "MODEL_SERVER_UNREACHABLE"
    assert not any(stub.address in str(error) for stub in stubs)
    assert not any(stub.address in str(described(gateway)) for stub in stubs)
