"""Nothing of what callers write, or models answer, gets into logs, errors or metrics."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import httpx
import pytest

from heed.v1 import inference_pb2
from tests.support.gateway import GatewayProcess, error_of, running_gateway
from tests.support.stub_model_server import MODEL_NAME, StubModelServer, abort, running_stub

MARK = "".join(secrets.choice("abcdefghijklmnop") for _ in range(12))
"""Letters that the model knows, and that stand nowhere else."""

WORDS = "tensor 7 is on fire"
"""What a model server says of a fault. The log has it, callers do not: it was given token ids, and
no texts."""


@pytest.fixture(scope="module")
def stub() -> Iterator[StubModelServer]:
    with running_stub() as stub:
        yield stub


@pytest.fixture(scope="module")
def gateway(stub: StubModelServer) -> Iterator[GatewayProcess]:
    flags = ["--model-server", stub.address, "--model", MODEL_NAME, "--http-port=0"]
    limits = ["--max-texts-per-call=3", "--max-text-characters=100", "--log-level=debug"]
    with running_gateway([*flags, *limits]) as gateway:
        yield gateway


GENERATE = inference_pb2.GenerateRequest
UNARY: list[tuple[str, Any]] = [
    ("Generate", GENERATE(texts=[MARK])),
    ("Generate", GENERATE(texts=[MARK], options={"prefix": MARK[:3]})),
    ("Generate", GENERATE(texts=[MARK, ""])),
    ("Generate", GENERATE(texts=[MARK] * 4)),
    ("Generate", GENERATE(texts=[MARK * 9])),
    ("Generate", GENERATE(texts=[MARK * 4])),
    ("Generate", GENERATE(texts=[MARK], options={"max_length": 9999, "prefix": MARK * 7})),
    ("Generate", GENERATE(texts=[MARK], options={"beam_width": 4})),
    ("Score", inference_pb2.ScoreRequest(pairs=[{"source_text": MARK, "target_text": MARK}])),
    ("Score", inference_pb2.ScoreRequest(pairs=[{"source_text": MARK, "target_text": MARK * 9}])),
    ("Classify", inference_pb2.ClassifyRequest(texts=[MARK])),
    ("Tokenize", inference_pb2.TokenizeRequest(texts=[MARK, MARK * 9])),
    ("Tokenize", inference_pb2.TokenizeRequest(texts=[MARK])),
]


def outcome(call: Callable[[], object]) -> str:
    """What a caller is told when its call fails; empty if it does not."""
    try:
        call()
    except grpc.RpcError as error:
        return f"{error.details()} {error.trailing_metadata()}"
    return ""


def test_bytes_that_are_no_message_are_not_repeated(gateway: GatewayProcess) -> None:
    method = gateway.channel.unary_unary("/heed.v1.InferenceService/Generate")
    for broken in (MARK.encode(), b"\x0a\xff" + MARK.encode(), b"\x12\x0e\xff\xfe" + MARK.encode()):
        error = error_of(lambda broken=broken: method(broken, timeout=20))
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert_unmarked(f"{error.details()} {error.trailing_metadata()}")


@pytest.mark.parametrize(
    "body",
    [
        f'{{"texts": ["{MARK}"',
        f'{{"texts": [{{"{MARK}": 1}}]}}',
        f'{{"texts": ["{MARK}", ""]}}',
        f'{{"texts": "{MARK}"}}',
        f'{{"texts": ["{MARK}"], "options": {{"maxLength": "{MARK}"}}}}',
        f'{{"texts": ["{MARK}"], "options": {{"attention": "{MARK}"}}}}',
        f'{{"texts": ["{MARK}\ud800"]}}',
    ],
    ids=["cut off", "an object", "an empty text", "no list", "no number", "no level", "no text"],
)
def test_bodies_are_not_repeated(gateway: GatewayProcess, body: str) -> None:
    answer = httpx.post(
        f"{gateway.url}/v1/generate",
        content=body.encode(errors="surrogatepass"),
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 400
    assert_unmarked(answer.text)


@pytest.mark.parametrize(
    "fault",
    [
        None,
        lambda request, response: abort(grpc.StatusCode.INTERNAL, WORDS),
        lambda request, response: abort(grpc.StatusCode.INVALID_ARGUMENT, WORDS),
        lambda request, response: response.outputs.clear(),
    ],
    ids=["no fault", "a model server that fails", "one that refuses", "an empty answer"],
)
def test_errors_do_not_repeat_texts(
    gateway: GatewayProcess, stub: StubModelServer, fault: Any
) -> None:
    stub.predict_fault = fault  # the last one costs the model its good name
    try:
        told = [
            outcome(lambda m=method, r=request: getattr(gateway.stub, m)(r, timeout=20))
            for method, request in UNARY
        ]
        stream = inference_pb2.StreamGenerateRequest(text=MARK, split_sentences=True)
        told.append(outcome(lambda: list(gateway.stub.StreamGenerate(stream, timeout=20))))
        many = [
            inference_pb2.GenerateManyRequest(config={}),
            inference_pb2.GenerateManyRequest(input={"id": "1", "text": MARK}),
            inference_pb2.GenerateManyRequest(input={"id": "2", "text": MARK * 9}),
        ]
        told.append(outcome(lambda: [_.error for _ in gateway.stub.GenerateMany(iter(many))]))
    finally:
        stub.predict_fault = None
    assert any(told)
    assert WORDS not in "\n".join(told)
    assert_unmarked("\n".join(told))


def test_logs_and_metrics_hold_no_texts(gateway: GatewayProcess) -> None:
    """Runs last: the log is that of all the tests above, down to its least important lines."""
    log = gateway.log()
    assert "Generate" in log
    assert WORDS in log
    assert_unmarked(log)
    assert_unmarked(httpx.get(f"{gateway.url}/metrics").text)


def assert_unmarked(text: str) -> None:
    """Fails if a text holds six letters of the mark in a row, in whatever case."""
    pieces = {MARK[begin : begin + 6] for begin in range(len(MARK) - 5)}
    found = re.search("|".join(pieces), text, re.IGNORECASE)
    assert found is None, text[max(0, found.start() - 300) : found.end() + 100] if found else ""
