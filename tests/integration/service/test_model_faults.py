"""A model server that answers wrongly, refuses, or swaps versions in the middle of a call."""

from __future__ import annotations

import time
from collections.abc import Iterator

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2

from heed.v1 import inference_pb2, model_pb2
from heed.wire.v1 import serving_pb2
from service.backends.tensor_codec import decode_tensor, encode_tensor
from tests.support.gateway import (
    GatewayProcess,
    detail_of,
    error_of,
    generate_request,
    running_gateway,
)
from tests.support.stub_model_server import (
    MODEL_NAME,
    StubModelServer,
    abort,
    letters,
    running_stub,
)
from tests.support.waiting import wait_until

FAST = ["--poll-interval-s=0.1", "--max-batches-in-flight=1"]


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[StubModelServer, GatewayProcess]]:
    with running_stub() as stub:
        flags = ["--model-server", stub.address, "--model", MODEL_NAME, *FAST]
        with running_gateway(flags) as gateway:
            yield stub, gateway


@pytest.fixture
def stub(shared: tuple[StubModelServer, GatewayProcess]) -> StubModelServer:
    """The stub as it was made, with one more version than any test before."""
    stub, gateway = shared
    fresh = StubModelServer()
    stub.predict_fault, stub.status_fault, stub.failed = None, None, {}
    stub.contract, stub.source_tokenizer = fresh.contract, fresh.source_tokenizer
    stub.available = [max(stub.available, default=0) + 1]
    wait_until(lambda: ready_versions(gateway) == stub.available)
    stub.requests.clear()
    return stub


@pytest.fixture
def gateway(
    shared: tuple[StubModelServer, GatewayProcess], stub: StubModelServer
) -> GatewayProcess:
    return shared[1]


def described(gateway: GatewayProcess) -> model_pb2.Model:
    return gateway.stub.GetModel(inference_pb2.GetModelRequest(), timeout=30).model


def ready_versions(gateway: GatewayProcess) -> list[int]:
    return list(described(gateway).ready_versions)


def generate(gateway: GatewayProcess, *texts: str) -> inference_pb2.GenerateResponse:
    request = generate_request(*texts, attention=inference_pb2.ATTENTION_LEVEL_PIECES)
    return gateway.stub.Generate(request, timeout=30)


def spelled(answer: inference_pb2.GenerateResponse) -> list[str]:
    return [result.hypotheses[0].text for result in answer.results]


def change(response: serving_pb2.PredictResponse, name: str, array: np.ndarray) -> None:
    response.outputs[name].CopyFrom(encode_tensor(array))


def test_the_stub_without_a_fault_is_a_model_like_any_other(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    answer = generate(gateway, "abc", "de")
    assert spelled(answer) == ["abc", "de"]
    attention = answer.results[0].hypotheses[0].attention
    expected = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1]
    assert list(attention.weights) == expected


def test_heads_of_every_layer_come_with_one_more_pass(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    request = generate_request("ab", attention=inference_pb2.ATTENTION_LEVEL_HEADS)
    answer = gateway.stub.Generate(request, timeout=30)
    heads = answer.results[0].hypotheses[0].attention.heads
    assert [(head.layer_index, head.head_index) for head in heads] == [(0, 0), (0, 1)]
    assert [r.model_spec.signature_name for r in stub.requests] == ["greedy", "score"]


def test_texts_of_a_call_travel_together_with_the_version_pinned(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    generate(gateway, "abcd", "abc", "abcd")
    (request,) = stub.requests
    assert request.model_spec.version.value == stub.available[0]
    assert decode_tensor(request.inputs["lengths"]).tolist() == [4, 3, 4]
    assert decode_tensor(request.inputs["prefix_tokens"]).tolist() == [[0], [0], [0]]
    assert list(request.output_filter) == [
        *("tokens", "lengths", "scores", "token_scores", "attention")
    ]


@pytest.mark.parametrize(
    ("output", "array", "expected"),
    [
        ("tokens", np.zeros((1, 4), np.int32), "has shape [1, 4], expected rank 3"),
        ("scores", np.zeros((3, 1), np.float32), "has 3 rows, expected 1"),
        ("lengths", np.zeros((1, 1), np.int64), "is int64, expected int32"),
        ("attention", np.zeros((1, 1, 4, 2), np.float32), "has shape [1, 4, 2] for a row"),
        ("scores", np.full((1, 1), np.nan, np.float32), "holds NaN or infinity"),
        ("lengths", np.full((1, 1), 99, np.int32), "an output of length 99"),
        ("tokens", np.full((1, 1, 4), 1000, np.int32), "an unknown token"),
    ],
)
def test_an_answer_that_breaks_the_contract_is_a_failed_precondition(
    stub: StubModelServer,
    gateway: GatewayProcess,
    output: str,
    array: np.ndarray,
    expected: str,
) -> None:
    stub.predict_fault = lambda request, response: change(response, output, array)
    error = error_of(lambda: generate(gateway, "abc"))
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert expected in error.details()
    info = detail_of(error, error_details_pb2.ErrorInfo)
    assert info.reason == "MODEL_ANSWER_INVALID"


def test_a_missing_output_is_a_failed_precondition(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    stub.predict_fault = lambda request, response: response.outputs.pop("lengths")
    error = error_of(lambda: generate(gateway, "abc"))
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "output 'lengths' is missing" in error.details()


def test_a_version_that_keeps_breaking_its_contract_is_not_ready_and_says_why(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    def lose_rows(
        request: serving_pb2.PredictRequest, response: serving_pb2.PredictResponse
    ) -> None:
        change(response, "scores", np.zeros((9, 1), np.float32))

    stub.predict_fault = lose_rows
    error_of(lambda: generate(gateway, "abc"))
    wait_until(lambda: gateway.health(MODEL_NAME) == "NOT_SERVING")
    assert gateway.health() == "NOT_SERVING"
    assert "'scores' has 9 rows, expected 1" in described(gateway).status_message
    error = error_of(lambda: generate(gateway, "abc"))
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION


def test_one_row_that_the_model_rejects_fails_alone(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    poison = letters().encode_ids("z")[0]

    def reject(request: serving_pb2.PredictRequest, response: serving_pb2.PredictResponse) -> None:
        if poison in decode_tensor(request.inputs["tokens"]):
            abort(grpc.StatusCode.INVALID_ARGUMENT, "index 29 is not in [0, 29)")
        time.sleep(0.2)  # so that the calls gather in one batch

    stub.predict_fault = reject
    texts = ["abc", "abd", "abz", "abe", "abf"]
    calls = [
        gateway.stub.Generate.future(generate_request(text), timeout=30)
        for text in ["blocker", *texts]
    ]
    errors = [error_of(calls[3].result)]
    assert [spelled(calls[index].result())[0] for index in (1, 2, 4, 5)] == [
        *("abc", "abd", "abe", "abf")
    ]
    assert errors[0].code() is grpc.StatusCode.FAILED_PRECONDITION
    assert detail_of(errors[0], error_details_pb2.ErrorInfo).reason == "MODEL_REJECTED_INPUT"
    assert gateway.health(MODEL_NAME) == "SERVING"


@pytest.mark.parametrize(
    ("sent", "code", "reason"),
    [
        ("UNAVAILABLE", "UNAVAILABLE", "MODEL_SERVER_UNREACHABLE"),
        ("RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED", "MODEL_SERVER_BUSY"),
        ("FAILED_PRECONDITION", "FAILED_PRECONDITION", "MODEL_BREAKS_CONTRACT"),
        ("INTERNAL", "INTERNAL", "MODEL_SERVER_FAILED"),
        ("DATA_LOSS", "INTERNAL", "MODEL_SERVER_FAILED"),
        ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", "DEADLINE_PASSED"),
    ],
)
def test_what_the_model_server_says_reaches_the_caller_as_the_table_has_it(
    stub: StubModelServer, gateway: GatewayProcess, sent: str, code: str, reason: str
) -> None:
    stub.predict_fault = lambda request, response: abort(
        grpc.StatusCode[sent], "secret words of the model server"
    )
    error = error_of(lambda: generate(gateway, "abc"))
    assert error.code() is grpc.StatusCode[code]
    assert detail_of(error, error_details_pb2.ErrorInfo).reason == reason
    assert "secret" not in str(error)


def test_a_version_unloaded_during_a_call_is_replaced_unseen(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    old = stub.available[0]

    def unload(request: serving_pb2.PredictRequest, response: serving_pb2.PredictResponse) -> None:
        if request.model_spec.version.value == old:
            stub.available = [old + 1]
            abort(grpc.StatusCode.NOT_FOUND, f"Servable not found: Specific(echo, {old})")

    stub.predict_fault = unload
    answer = generate(gateway, "abc", "abcdefghijkl")
    assert answer.model.version == old + 1
    assert spelled(answer) == ["abc", "abcdefghijkl"]


def test_calls_wait_while_the_version_that_replaced_the_last_one_is_tried(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    old = stub.available[0]

    def slow_trial(
        request: serving_pb2.PredictRequest, response: serving_pb2.PredictResponse
    ) -> None:
        if request.inputs["tokens"].tensor_shape.dim[1].size == 1:
            time.sleep(0.1)

    stub.predict_fault = slow_trial
    stub.available = [old + 1]
    wait_until(lambda: any(r.model_spec.version.value == old + 1 for r in stub.requests))
    assert generate(gateway, "heed").model.version == old + 1


def test_a_pinned_version_unloaded_during_a_call_is_not_found(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    stub.predict_fault = lambda request, response: abort(grpc.StatusCode.NOT_FOUND, "gone")
    request = generate_request("abc")
    request.model.version = stub.available[0]
    error = error_of(lambda: gateway.stub.Generate(request, timeout=30))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert detail_of(error, error_details_pb2.ErrorInfo).reason == "UNKNOWN_VERSION"


def other_contract_version(stub: StubModelServer) -> None:
    stub.change_contract(contract_version=99)


def no_score_signature(stub: StubModelServer) -> None:
    stub.change_contract(signatures=["greedy", "contract"])


def other_tokenizer(stub: StubModelServer) -> None:
    stub.change_contract(
        source_tokenizer={"sha256": "0" * 64, "vocabulary_size": letters().vocabulary_size}
    )


def broken_tokenizer(stub: StubModelServer) -> None:
    stub.source_tokenizer = b"no tokenizer"


def other_special_ids(stub: StubModelServer) -> None:
    stub.change_contract(special_ids={"pad": 0, "unknown": 1, "begin": 2, "end": 4})


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (other_contract_version, "version 99; this release reads version 1"),
        (no_score_signature, "lacks the signatures score"),
        (other_tokenizer, "the contract says 000000"),
        (broken_tokenizer, "not a serialised SentencePiece model"),
        (other_special_ids, "breaks its own rules"),
    ],
)
def test_a_version_whose_contract_does_not_fit_is_refused_and_the_old_one_goes_on(
    stub: StubModelServer, gateway: GatewayProcess, spoil: object, reason: str
) -> None:
    (old,) = stub.available
    assert callable(spoil)
    spoil(stub)
    stub.available = [old, old + 1]
    wait_until(lambda: "was refused" in described(gateway).status_message)
    model = described(gateway)
    assert reason in model.status_message
    assert (model.ready, model.version, list(model.ready_versions)) == (True, old, [old])
    assert generate(gateway, "abc").model.version == old


def test_a_version_that_the_model_server_could_not_load_is_reported(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    (old,) = stub.available
    stub.failed = {old + 1: "Can't parse saved_model.pb as binary proto"}
    wait_until(lambda: described(gateway).status_message != "")
    assert described(gateway).status_message == (
        f"version {old + 1} could not be loaded by the model server: "
        "DATA_LOSS: Can't parse saved_model.pb as binary proto"
    )
    assert described(gateway).ready


def test_several_versions_can_be_asked_for_by_number(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    (old,) = stub.available
    stub.available = [old, old + 1]
    wait_until(lambda: ready_versions(gateway) == [old + 1, old])
    request = generate_request("abc")
    assert gateway.stub.Generate(request, timeout=30).model.version == old + 1
    request.model.version = old
    assert gateway.stub.Generate(request, timeout=30).model.version == old


def test_bytes_that_are_no_answer_are_a_failed_precondition(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    def cut_tensor(
        request: serving_pb2.PredictRequest, response: serving_pb2.PredictResponse
    ) -> None:
        response.outputs["tokens"].tensor_content = b"123"

    stub.predict_fault = cut_tensor
    error = error_of(lambda: generate(gateway, "abc"))
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "has 3 bytes, expected 16" in error.details()


def test_busy_periods_of_the_model_server_do_not_make_the_gateway_unready(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    stub.status_fault = lambda: time.sleep(2.2)  # one question goes unanswered
    time.sleep(2.6)
    stub.status_fault = None
    assert gateway.health() == "SERVING"
    assert spelled(generate(gateway, "abc")) == ["abc"]
