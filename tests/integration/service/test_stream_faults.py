"""StreamGenerate when versions go, model servers fail, and callers leave."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator

import grpc
import pytest
from google.rpc import error_details_pb2

from heed.v1 import inference_pb2
from heed.wire.v1 import serving_pb2
from service.backends.tensor_codec import decode_tensor
from tests.support.gateway import GatewayProcess, detail_of, error_of, running_gateway
from tests.support.stub_model_server import (
    MODEL_NAME,
    StubModelServer,
    abort,
    letters,
    running_stub,
)
from tests.support.waiting import wait_until

TEXT = "abcdefghij"


@pytest.fixture
def stub() -> Iterator[StubModelServer]:
    with running_stub() as one:
        yield one


@pytest.fixture
def gateway(stub: StubModelServer) -> Iterator[GatewayProcess]:
    flags = ["--model-server", stub.address, "--model", MODEL_NAME]
    with running_gateway([*flags, "--poll-interval-s=0.2"]) as one:
        yield one


def start(gateway: GatewayProcess, text: str = TEXT, timeout_s: float = 20, **fields: object):  # type: ignore[no-untyped-def]
    request = inference_pb2.StreamGenerateRequest(text=text, chunk_tokens=2, **fields)
    return gateway.stub.StreamGenerate(request, timeout=timeout_s)


def reason_of(error: grpc.RpcError) -> str:
    return detail_of(error, error_details_pb2.ErrorInfo).reason


class Held:
    """Lets so many Predict calls pass, then holds them until it is released."""

    def __init__(self, stub: StubModelServer, passing: int) -> None:
        self._left = passing
        self.reached = threading.Event()
        self.released = threading.Event()
        stub.predict_fault = self

    def __call__(self, request: object, response: object) -> None:
        self._left -= 1
        if self._left < 0:
            self.reached.set()
            self.released.wait(20)


def test_a_version_that_goes_before_the_first_event_is_replaced(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    stub.available = [1, 2]
    wait_until(lambda: next(start(gateway)).model.version == 2)

    def unload(request: object, response: object) -> None:
        stub.predict_fault = None
        stub.available = [1]
        abort(grpc.StatusCode.NOT_FOUND, "Servable not found for request: Specific(echo, 2)")

    stub.predict_fault = unload
    events = list(start(gateway))
    assert {event.model.version for event in events} == {1}
    assert events[-1].result.hypotheses[0].text == TEXT


def test_a_version_that_goes_in_the_middle_of_a_stream_ends_it(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    call = start(gateway)
    held = Held(stub, passing=1)
    assert next(call).partial.text == "ab"
    held.reached.wait(20)
    stub.predict_fault = lambda request, response: abort(
        grpc.StatusCode.NOT_FOUND, "Servable not found for request: Specific(echo, 1)"
    )
    held.released.set()
    error = error_of(lambda: list(call))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert reason_of(error) == "VERSION_GONE"


def test_sentences_before_a_failure_are_answered(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    (x,) = letters().encode_ids("x")

    def fail(request: serving_pb2.PredictRequest, response: object) -> None:
        if (decode_tensor(request.inputs["tokens"]) == x).any():
            abort(grpc.StatusCode.INTERNAL, "broken")

    stub.predict_fault = fail
    call = start(gateway, "abc. " * 12 + "x. def.", split_sentences=True)
    finished = []

    def read() -> None:
        for event in call:
            if event.WhichOneof("event") == "result":
                finished.append(event.segment_index)

    error = error_of(read)
    assert error.code() is grpc.StatusCode.INTERNAL
    assert finished == list(range(len(finished)))
    assert 8 <= len(finished) <= 12  # the last few may have travelled with the one that failed


def test_a_deadline_ends_a_stream_in_time(stub: StubModelServer, gateway: GatewayProcess) -> None:
    held = Held(stub, passing=1)
    began = time.monotonic()
    call = start(gateway, timeout_s=1.0)
    assert next(call).partial.text == "ab"
    error = error_of(lambda: list(call))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - began < 5
    held.released.set()


def test_a_caller_that_vanishes_costs_the_model_nothing_more(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    held = Held(stub, passing=1)
    call = start(gateway, "abcdefghij. " * 40, split_sentences=True)
    next(call)
    assert held.reached.wait(20)
    asked = len(stub.requests)
    call.cancel()
    time.sleep(0.3)
    held.released.set()
    stub.predict_fault = None
    # Its place is free again, and what it had asked for does not come any more.
    assert list(start(gateway, "abc"))[-1].result.hypotheses[0].text == "abc"
    assert len(stub.requests) <= asked + 4
    assert gateway.health() == "SERVING"
    assert "ERROR" not in gateway.log()


def test_a_stream_under_way_is_answered_before_the_gateway_ends(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    held = Held(stub, passing=1)
    call = start(gateway)
    next(call)
    gateway.process.terminate()
    gateway.wait_for_log(re.compile("stopping"))
    held.released.set()
    stub.predict_fault = None
    assert list(call)[-1].result.hypotheses[0].text == TEXT
    assert gateway.process.wait(20) == 0
