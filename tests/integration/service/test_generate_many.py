"""GenerateMany: bulk work, its errors, its flow control and its end."""

from __future__ import annotations

import itertools
import queue
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator

import grpc
import psutil
import pytest
from google.rpc import code_pb2, error_details_pb2

from heed.v1 import inference_pb2, inference_pb2_grpc
from tests.support.gateway import (
    GatewayProcess,
    detail_of,
    error_of,
    running_gateway,
    violations_of,
)
from tests.support.stub_model_server import (
    MAX_SOURCE_TOKENS,
    MODEL_NAME,
    StubModelServer,
    abort,
    running_stub,
)
from tests.support.waiting import wait_until

Request = inference_pb2.GenerateManyRequest
Config = inference_pb2.GenerateManyConfig
WINDOW = 16


@pytest.fixture(scope="module")
def stub() -> Iterator[StubModelServer]:
    with running_stub() as one:
        yield one


@pytest.fixture(scope="module")
def gateway(stub: StubModelServer) -> Iterator[GatewayProcess]:
    """A gateway whose queue is small, and whose window too."""
    flags = ["--model-server", stub.address, "--model", MODEL_NAME, "--max-queue-tokens=200"]
    with running_gateway([*flags, f"--many-window={WINDOW}"]) as one:
        yield one


def messages(texts: Iterable[tuple[str, str]], **config: object) -> Iterator[Request]:
    yield Request(config=Config(**config))
    for text_id, text in texts:
        yield Request(input=inference_pb2.GenerateManyInput(id=text_id, text=text))


def word(number: int) -> str:
    """A word of 1 to 12 letters, another for each number up to some thousand."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return (letters[number % 26] + letters[number // 26 % 26] + letters)[: 1 + number % 12]


def stands_still(count: Callable[[], int]) -> int:
    """Where a number stands when it does not grow any more."""
    seen = [-1]

    def is_still() -> bool:
        seen.append(count())
        time.sleep(0.3)
        return seen[-1] == seen[-2]

    wait_until(is_still)
    return seen[-1]


def test_every_text_is_answered_under_its_id(gateway: GatewayProcess) -> None:
    texts = {str(number): word(number) for number in range(500)}
    answers = list(gateway.stub.GenerateMany(messages(texts.items()), timeout=60))
    assert {answer.id: answer.result.hypotheses[0].text for answer in answers} == texts
    assert len(answers) == len(texts)
    for answer in answers:
        assert (answer.model.name, answer.model.version) == (MODEL_NAME, 1)
        assert answer.timings.total_duration.ToNanoseconds() > 0


def test_options_hold_for_every_text(gateway: GatewayProcess) -> None:
    options = {"max_length": 2, "attention": inference_pb2.ATTENTION_LEVEL_PIECES}
    texts = [("a", "abcd"), ("b", "efgh")]
    answers = list(gateway.stub.GenerateMany(messages(texts, options=options), timeout=30))
    outputs = {answer.id: answer.result.hypotheses[0] for answer in answers}
    assert (outputs["a"].text, outputs["b"].text) == ("ab", "ef")
    assert len(outputs["a"].attention.weights) == 2 * 4


def test_a_text_that_cannot_be_answered_has_its_own_error(gateway: GatewayProcess) -> None:
    texts = [("good", "abc"), ("long", "a" * (MAX_SOURCE_TOKENS + 1)), ("none", " "), ("", "d")]
    answers = list(gateway.stub.GenerateMany(messages(texts), timeout=30))
    outcomes = {answer.id: answer for answer in answers}
    assert len(answers) == 4
    assert outcomes["good"].result.hypotheses[0].text == "abc"
    assert outcomes[""].result.hypotheses[0].text == "d"
    error = outcomes["long"].error
    assert error.code == code_pb2.INVALID_ARGUMENT
    assert error.reason == "INVALID_REQUEST"
    (violation,) = error.field_violations
    assert violation.field == "input.text"
    assert str(MAX_SOURCE_TOKENS) in violation.description
    assert violation.description in error.message
    assert "at least one token" in outcomes["none"].error.message


def test_a_model_server_that_fails_is_the_failure_of_the_texts_it_had(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    def fail(request: object, response: object) -> None:
        stub.predict_fault = None
        abort(grpc.StatusCode.INTERNAL, "secret")

    stub.predict_fault = fail
    texts = [(str(number), "abc") for number in range(40)]
    answers = list(gateway.stub.GenerateMany(messages(texts), timeout=30))
    failed = [answer for answer in answers if answer.WhichOneof("outcome") == "error"]
    assert len(answers) == 40
    assert 1 <= len(failed) < 40
    for answer in failed:
        assert (answer.error.code, answer.error.reason) == (
            code_pb2.INTERNAL,
            "MODEL_SERVER_FAILED",
        )
        assert "secret" not in str(answer)


@pytest.mark.parametrize(
    ("requests", "field", "description"),
    [
        ([Request(input={"text": "a"})], "config", "first"),
        ([Request()], "config", "first"),
        ([Request(config={}), Request(config={})], "input", "every message after the first"),
        ([Request(config={}), Request()], "input", "every message after the first"),
        ([Request(config={}), Request(input={"id": "x" * 129})], "input.id", "128"),
        ([Request(config={"options": {"max_length": 99}})], "config.options.max_length", "17"),
        ([Request(config={"model": {"version": 0}})], "config.model.version", "1 or more"),
        ([Request(config={"priority": 9})], "config.priority", "PRIORITY_BULK"),
    ],
    ids=["input first", "empty", "config twice", "empty input", "id", "option", "version", "prio"],
)
def test_a_message_that_breaks_a_rule_ends_the_stream(
    gateway: GatewayProcess, requests: list[Request], field: str, description: str
) -> None:
    error = error_of(lambda: list(gateway.stub.GenerateMany(iter(requests), timeout=30)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert description in violations_of(error)[field]


def test_an_unknown_model_ends_the_stream_and_no_text_is_no_error(gateway: GatewayProcess) -> None:
    requests = messages([("a", "a")], model={"name": "nothing"})
    error = error_of(lambda: list(gateway.stub.GenerateMany(requests, timeout=30)))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert list(gateway.stub.GenerateMany(messages([]), timeout=30)) == []
    assert list(gateway.stub.GenerateMany(iter([]), timeout=30)) == []


def test_a_text_that_is_not_unicode_ends_the_stream_after_the_answers(
    gateway: GatewayProcess,
) -> None:
    call = gateway.channel.stream_stream(
        "/heed.v1.InferenceService/GenerateMany",
        response_deserializer=inference_pb2.GenerateManyResponse.FromString,
    )
    good = list(messages([("a", "abc")]))
    answers = []

    def read() -> None:
        requests = [message.SerializeToString() for message in good]
        for answer in call(iter([*requests, b"\x12\x04\x12\x02\xff\xfe"]), timeout=30):
            answers.append(answer.result.hypotheses[0].text)

    error = error_of(read)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "valid UTF-8" in violations_of(error)["input.text"]
    assert answers == ["abc"]


def test_a_full_queue_slows_the_sender_and_refuses_nothing(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    """Two streams and a queue that holds less than one window."""
    stub.predict_fault = lambda request, response: time.sleep(0.005)
    outcomes: list[str] = []

    def work() -> None:
        texts = ((str(number), "abcdefghijklmnop") for number in range(150))
        for answer in gateway.stub.GenerateMany(messages(texts), timeout=60):
            outcomes.append(answer.WhichOneof("outcome"))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stub.predict_fault = None
    assert outcomes == ["result"] * 300


def test_a_reader_that_does_not_read_stops_the_sender(gateway: GatewayProcess) -> None:
    sent: list[str] = []
    stop = threading.Event()
    text = "x" * 21_000  # answered at once, with an error

    def endless() -> Iterator[tuple[str, str]]:
        while not stop.is_set():
            sent.append(str(len(sent)))
            yield sent[-1], text

    resident = psutil.Process(gateway.process.pid).memory_info().rss
    fixed_window = [("grpc.http2.bdp_probe", 0)]  # or it grows to megabytes of answers
    with grpc.insecure_channel(gateway.address, options=fixed_window) as channel:
        patient = inference_pb2_grpc.InferenceServiceStub(channel)
        call = patient.GenerateMany(messages(endless()), timeout=60)
        next(call)
        count = stands_still(lambda: len(sent))
        assert count < 3_000  # what the windows of HTTP/2 hold on both sides
        assert psutil.Process(gateway.process.pid).memory_info().rss - resident < 64 * 2**20
        received = [next(call) for _ in range(300)]  # and it goes on
        assert all(answer.error.reason == "INVALID_REQUEST" for answer in received)
        stop.set()
        call.cancel()


def test_ten_thousand_texts_leave_the_memory_as_it_was(gateway: GatewayProcess) -> None:
    process = psutil.Process(gateway.process.pid)
    texts = ((str(number), word(number)) for number in range(10_000))
    resident = []
    for number, answer in enumerate(gateway.stub.GenerateMany(messages(texts), timeout=120)):
        assert answer.WhichOneof("outcome") == "result"
        if number % 1000 == 0:
            resident.append(process.memory_info().rss)
    assert max(resident[3:]) - resident[2] < 8 * 2**20


def test_a_caller_that_vanishes_takes_its_texts_along(
    stub: StubModelServer, gateway: GatewayProcess
) -> None:
    reached, released = threading.Event(), threading.Event()

    def hold(request: object, response: object) -> None:
        reached.set()
        released.wait(20)

    stub.predict_fault = hold
    texts = ((str(number), "abcdefgh") for number in itertools.count())
    call = gateway.stub.GenerateMany(messages(texts), timeout=60)
    assert reached.wait(20)
    call.cancel()
    time.sleep(0.3)
    asked = len(stub.requests)
    stub.predict_fault = None
    released.set()
    answers = list(gateway.stub.GenerateMany(messages([("a", "abc")]), timeout=30))
    assert [answer.id for answer in answers] == ["a"]
    assert len(stub.requests) <= asked + 2


def test_at_its_end_the_gateway_answers_what_it_has_read(stub: StubModelServer) -> None:
    flags = ["--model-server", stub.address, "--model", MODEL_NAME, f"--many-window={WINDOW}"]
    with running_gateway(flags) as gateway:
        to_send: queue.Queue[tuple[str, str]] = queue.Queue()
        for number in range(5):
            to_send.put((str(number), "abc"))
        call = gateway.stub.GenerateMany(messages(iter(to_send.get, None)), timeout=60)
        answers = [next(call).id for _ in range(5)]
        released = threading.Event()
        stub.predict_fault = lambda request, response: released.wait(20) and None
        asked = len(stub.requests)
        to_send.put(("last", "abc"))
        wait_until(lambda: len(stub.requests) > asked)
        gateway.process.terminate()
        gateway.wait_for_log(re.compile("stopping"))
        to_send.put(("too late", "abc"))
        released.set()
        stub.predict_fault = None
        answers.append(next(call).id)
        error = error_of(lambda: next(call))
        assert sorted(answers) == ["0", "1", "2", "3", "4", "last"]
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert detail_of(error, error_details_pb2.ErrorInfo).reason == "DRAINING"
        to_send.put(None)  # type: ignore[arg-type]
        assert gateway.process.wait(20) == 0
