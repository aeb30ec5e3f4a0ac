"""A model server whose faults a test writes down, for what the real one cannot be made to show.

    with running_stub() as stub:
        stub.predict_fault = lambda request, response: abort(grpc.StatusCode.INTERNAL, "broken")

Without a fault it serves one model, "echo", that keeps its contract: it spells the source out
again, looks at the letter it writes, and gives every token the score -0.5.
"""

from __future__ import annotations

import concurrent.futures
import functools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
import numpy as np

from heed.contract import (
    AttentionAverage,
    AttentionLayer,
    Contract,
    Signature,
    Task,
    TokenizerInfo,
)
from heed.text import Tokenizer, TokenizerKind, TokenizerSettings, train_tokenizer
from heed.wire.v1 import serving_pb2
from service.backends.tensor_codec import decode_tensor, encode_tensor

MODEL_NAME = "echo"
MAX_SOURCE_TOKENS = 16
MAX_TARGET_TOKENS = 17
TOKEN_SCORE = -0.5
END = 3

Fault = Callable[[serving_pb2.PredictRequest, serving_pb2.PredictResponse], None]
Arrays = dict[str, np.ndarray[Any, Any]]


class AbortError(Exception):
    """Ends a call with a status."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(code, details)
        self.code = code
        self.details = details


def abort(code: grpc.StatusCode, details: str = "scripted") -> NoReturn:
    """Ends a call with a status."""
    raise AbortError(code, details)


@functools.cache
def letters() -> Tokenizer:
    """The model's tokenizer on both sides: one token a letter."""
    settings = TokenizerSettings(kind=TokenizerKind.CHARACTER)
    return Tokenizer(train_tokenizer(["abcdefghijklmnopqrstuvwxyz"], settings))


@functools.cache
def echo_contract() -> Contract:
    """The contract that the model keeps."""
    tokenizer = TokenizerInfo(sha256=letters().sha256, vocabulary_size=letters().vocabulary_size)
    return Contract(
        model_name=MODEL_NAME,
        task=Task.TRANSLATE,
        source_tokenizer=tokenizer,
        target_tokenizer=tokenizer,
        max_source_tokens=MAX_SOURCE_TOKENS,
        max_target_tokens=MAX_TARGET_TOKENS,
        attention=(AttentionLayer(kind="copy", layer_index=0, head_count=2),),
        attention_average=AttentionAverage(layer_indices=(0,), description="both heads"),
        signatures=(
            Signature.SERVING_DEFAULT,
            Signature.GREEDY,
            Signature.SCORE,
            Signature.CONTRACT,
        ),
    )


@dataclass
class StubModelServer:
    """The script, and what was asked.

    Attributes:
        port: Where it listens.
        host: The same.
        available: The versions that answer.
        failed: Versions that could not be loaded, and why.
        contract: What `contract` answers, as JSON.
        predict_fault: Called with every Predict but those of `contract`, and the right answer; it
            may change the answer, wait, or abort.
        status_fault: Called with every GetModelStatus; it may wait or abort.
        requests: Every Predict request but those of `contract`.
    """

    port: int = 0
    available: list[int] = field(default_factory=lambda: [1])
    failed: dict[int, str] = field(default_factory=dict)
    contract: str = field(default_factory=lambda: echo_contract().to_json())
    source_tokenizer: bytes = field(default_factory=lambda: letters().serialized)
    predict_fault: Fault | None = None
    status_fault: Callable[[], None] | None = None
    requests: list[serving_pb2.PredictRequest] = field(default_factory=list)
    host: str = "127.0.0.1"

    @property
    def address(self) -> str:
        """Where it listens, `host:port`."""
        return f"{self.host}:{self.port}"

    def change_contract(self, **changes: object) -> None:
        """Answers with another contract from now on."""
        self.contract = json.dumps({**json.loads(self.contract), **changes})

    def predict(self, request: serving_pb2.PredictRequest) -> serving_pb2.PredictResponse:
        """Answers a Predict call."""
        spec = request.model_spec
        if spec.version.value not in self.available or spec.name != MODEL_NAME:
            name = f"Specific({spec.name}, {spec.version.value})"
            abort(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {name}")
        outputs = self._outputs(request)
        response = serving_pb2.PredictResponse(model_spec=spec)
        for name in request.output_filter or outputs:
            response.outputs[name].CopyFrom(encode_tensor(outputs[name]))
        if spec.signature_name != Signature.CONTRACT.value:
            self.requests.append(request)
            if self.predict_fault is not None:
                self.predict_fault(request, response)
        return response

    def status(
        self, request: serving_pb2.GetModelStatusRequest
    ) -> serving_pb2.GetModelStatusResponse:
        """Answers a GetModelStatus call."""
        if self.status_fault is not None:
            self.status_fault()
        if request.model_spec.name != MODEL_NAME:
            abort(grpc.StatusCode.NOT_FOUND, "Could not find any versions of model")
        response = serving_pb2.GetModelStatusResponse()
        states = dict.fromkeys(self.available, (30, ""))
        states |= {version: (50, message) for version, message in self.failed.items()}
        for version, (state, message) in sorted(states.items(), reverse=True):
            status = response.model_version_status.add(version=version, state=state)
            status.status.error_message = message
            status.status.error_code = 15 if message else 0
        return response

    def _outputs(self, request: serving_pb2.PredictRequest) -> Arrays:
        inputs = {name: decode_tensor(tensor) for name, tensor in request.inputs.items()}
        if request.model_spec.signature_name == Signature.CONTRACT.value:
            return self._contract(len(inputs["request"]))
        if request.model_spec.signature_name == Signature.SCORE.value:
            return _score(inputs)
        return _greedy(inputs)

    def _contract(self, row_count: int) -> Arrays:
        values = {
            "contract": self.contract.encode(),
            "source_tokenizer": self.source_tokenizer,
            "target_tokenizer": letters().serialized,
        }
        return {name: np.array([value] * row_count, object) for name, value in values.items()}


def _greedy(inputs: Arrays) -> Arrays:
    lengths = np.minimum(inputs["lengths"] + 1, inputs["max_lengths"])
    row_count, longest = len(lengths), int(lengths.max())
    tokens = np.zeros((row_count, 1, longest), np.int32)
    for row, (length, source_length) in enumerate(zip(lengths, inputs["lengths"], strict=True)):
        spelled = [*inputs["tokens"][row, :source_length].tolist(), END][:length]
        tokens[row, 0, :length] = spelled
    is_real = np.arange(longest)[None, :] < lengths[:, None]
    scores = np.where(is_real, TOKEN_SCORE, 0.0).astype(np.float32)
    attention = _attention(is_real, inputs["lengths"], inputs["tokens"].shape[1])
    return {
        "tokens": tokens,
        "lengths": lengths[:, None].astype(np.int32),
        "token_scores": scores[:, None],
        "scores": scores.sum(axis=1, keepdims=True),
        "attention": attention[:, None],
    }


def _score(inputs: Arrays) -> Arrays:
    longest = inputs["target_tokens"].shape[1]
    is_real = np.arange(longest)[None, :] < inputs["target_lengths"][:, None]
    scores = np.where(is_real, TOKEN_SCORE, 0.0).astype(np.float32)
    attention = _attention(is_real, inputs["lengths"], inputs["tokens"].shape[1])
    return {
        "token_scores": scores,
        "scores": scores.sum(axis=1),
        "attention": attention,
        "attention_heads": np.stack([attention, attention], axis=1)[:, None],
    }


def _attention(
    is_real: np.ndarray[Any, Any], source_lengths: np.ndarray[Any, Any], source_size: int
) -> np.ndarray[Any, Any]:
    """All weight on the source token of the same position, at most the last one."""
    row_count, longest = is_real.shape
    attention = np.zeros((row_count, longest, source_size), np.float32)
    for row in range(row_count):
        for position in range(longest):
            column = min(position, int(source_lengths[row]) - 1)
            attention[row, position, column] = float(is_real[row, position])
    return attention


@contextmanager
def running_stub(
    port: int = 0,
    host: str = "127.0.0.1",
    *,
    credentials: grpc.ServerCredentials | None = None,
) -> Iterator[StubModelServer]:
    """A stub that listens while the block runs, by TLS if there are credentials."""
    stub = StubModelServer(host=host)
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=16)
    server = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
    methods = {
        "tensorflow.serving.PredictionService": {
            "Predict": _handler(
                stub.predict,
                serving_pb2.PredictRequest,
            )
        },
        "tensorflow.serving.ModelService": {
            "GetModelStatus": _handler(stub.status, serving_pb2.GetModelStatusRequest)
        },
    }
    for service, handlers in methods.items():
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    if credentials is None:
        stub.port = server.add_insecure_port(f"{host}:{port}")
    else:
        stub.port = server.add_secure_port(f"{host}:{port}", credentials)
    server.start()
    try:
        yield stub
    finally:
        server.stop(grace=0).wait()
        pool.shutdown(wait=True, cancel_futures=True)


def _handler(answer: Callable[[Any], Any], request_class: type[Any]) -> Any:
    def call(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return answer(request)
        except AbortError as fault:
            context.abort(fault.code, fault.details)

    return grpc.unary_unary_rpc_method_handler(
        call,
        request_deserializer=request_class.FromString,
        response_serializer=lambda response: response.SerializeToString(),
    )
