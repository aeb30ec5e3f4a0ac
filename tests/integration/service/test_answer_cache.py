"""The answer cache of the real gateway, before a model server that counts what it is asked."""

from __future__ import annotations

import concurrent.futures
import re
import threading
import time
from collections.abc import Iterator

import grpc
import httpx
import pytest

from heed.v1 import inference_pb2
from tests.support.gateway import (
    GatewayProcess,
    error_of,
    generate_request,
    running_gateway,
    violations_of,
)
from tests.support.stub_model_server import MODEL_NAME, StubModelServer, abort, running_stub
from tests.support.waiting import wait_until

PIECES = inference_pb2.ATTENTION_LEVEL_PIECES
CACHE_BYTES = 60_000


@pytest.fixture(scope="module")
def stub() -> Iterator[StubModelServer]:
    with running_stub() as one:
        yield one


@pytest.fixture(scope="module")
def gateway(stub: StubModelServer) -> Iterator[GatewayProcess]:
    flags = ["--model-server", stub.address, "--model", MODEL_NAME, "--http-port=0"]
    limits = ["--cache-bytes", str(CACHE_BYTES), "--max-queue-tokens=20", "--poll-interval-s=0.05"]
    with running_gateway([*flags, *limits]) as one:
        yield one


@pytest.fixture(autouse=True)
def calm(stub: StubModelServer) -> Iterator[None]:
    yield
    stub.predict_fault = None


def ask(gateway: GatewayProcess, *texts: str, **options: object) -> inference_pb2.GenerateResponse:
    return gateway.stub.Generate(generate_request(*texts, **options), timeout=30)


def bytes_without_timings(answer: inference_pb2.GenerateResponse) -> bytes:
    copy = inference_pb2.GenerateResponse()
    copy.CopyFrom(answer)
    copy.ClearField("timings")
    return copy.SerializeToString(deterministic=True)


def test_a_known_answer_is_the_same_to_the_byte(
    gateway: GatewayProcess, stub: StubModelServer
) -> None:
    first = ask(gateway, "known", attention=PIECES)
    asked = len(stub.requests)
    again = ask(gateway, "known", attention=PIECES)
    assert bytes_without_timings(again) == bytes_without_timings(first)
    assert (first.timings.cached_result_count, again.timings.cached_result_count) == (0, 1)
    assert not again.timings.model_duration.ToNanoseconds()
    assert len(stub.requests) == asked
    ask(gateway, "known")
    assert len(stub.requests) == asked + 1


def test_of_many_texts_only_the_unknown_are_asked(
    gateway: GatewayProcess, stub: StubModelServer
) -> None:
    ask(gateway, "one", "two")
    asked = len(stub.requests)
    mixed = ask(gateway, "three", "one", "two", "three")
    texts = [result.hypotheses[0].text for result in mixed.results]
    assert texts == ["three", "one", "two", "three"]
    assert mixed.timings.cached_result_count == 3
    rows = sum(
        request.inputs["lengths"].tensor_shape.dim[0].size for request in stub.requests[asked:]
    )
    assert rows == 1


def test_a_bad_text_keeps_its_place_among_known_ones(gateway: GatewayProcess) -> None:
    ask(gateway, "good")
    error = error_of(lambda: ask(gateway, "good", "x" * 40))
    assert list(violations_of(error)) == ["texts[1]"]


def test_like_calls_at_the_same_time_are_one_predict_and_errors_are_not_kept(
    gateway: GatewayProcess, stub: StubModelServer
) -> None:
    release = threading.Event()

    def hold(request: object, response: object) -> None:
        release.wait(10)

    stub.predict_fault = hold
    asked = len(stub.requests)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(ask, gateway, "together") for _ in range(8)]
        wait_until(lambda: len(stub.requests) > asked)
        time.sleep(0.2)
        release.set()
        answers = [call.result() for call in calls]
    assert len(stub.requests) == asked + 1
    assert len({bytes_without_timings(answer) for answer in answers}) == 1
    assert sum(answer.timings.cached_result_count for answer in answers) == 7

    stub.predict_fault = lambda request, response: abort(grpc.StatusCode.INTERNAL)
    assert error_of(lambda: ask(gateway, "later")).code() is grpc.StatusCode.INTERNAL
    stub.predict_fault = None
    assert ask(gateway, "later").results[0].hypotheses[0].text == "later"


def test_a_leader_that_is_cancelled_does_not_take_its_followers_along(
    gateway: GatewayProcess, stub: StubModelServer
) -> None:
    release = threading.Event()

    def hold(request: object, response: object) -> None:
        release.wait(10)

    stub.predict_fault = hold
    asked = len(stub.requests)
    leader = gateway.stub.Generate.future(generate_request("leader"), timeout=30)
    wait_until(lambda: len(stub.requests) > asked)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(ask, gateway, "leader") for _ in range(3)]
        time.sleep(0.2)
        leader.cancel()
        time.sleep(0.1)
        release.set()
        texts = {call.result().results[0].hypotheses[0].text for call in calls}
    assert texts == {"leader"}
    assert len(stub.requests) <= asked + 2


def test_a_new_version_answers_anew(gateway: GatewayProcess, stub: StubModelServer) -> None:
    assert ask(gateway, "version").model.version == 1
    stub.available = [1, 2]
    wait_until(lambda: ask(gateway, "other").model.version == 2)
    asked = len(stub.requests)
    newer = ask(gateway, "version")
    assert (newer.model.version, newer.timings.cached_result_count) == (2, 0)
    assert len(stub.requests) == asked + 1
    stub.available = [1]
    wait_until(lambda: ask(gateway, "other").model.version == 1)
    stub.available = [1, 2]
    wait_until(lambda: ask(gateway, "other").model.version == 2)
    assert ask(gateway, "version").timings.cached_result_count == 0
    stub.available = [1]
    wait_until(lambda: ask(gateway, "other").model.version == 1)


def metric(gateway: GatewayProcess, name: str, result: str = "") -> float:
    text = httpx.get(f"{gateway.url}/metrics").text
    label = f'{{result="{result}"}}' if result else ""
    found = re.search(rf"^heed_cache_{name}{label} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_the_cache_never_takes_more_than_it_may_and_metrics_tell(gateway: GatewayProcess) -> None:
    letters = "abcdefghij"
    texts = [first + second for first in letters for second in letters]
    hits, misses = metric(gateway, "lookups_total", "hit"), metric(gateway, "lookups_total", "miss")
    for text in texts:
        ask(gateway, text, attention=PIECES)
    assert metric(gateway, "lookups_total", "miss") == misses + len(texts)
    assert metric(gateway, "lookups_total", "hit") == hits
    assert 0.9 * CACHE_BYTES < metric(gateway, "bytes") <= CACHE_BYTES
    assert metric(gateway, "entries") + metric(gateway, "evictions_total") >= len(texts)
    assert ask(gateway, texts[-1], attention=PIECES).timings.cached_result_count == 1
    assert ask(gateway, texts[0], attention=PIECES).timings.cached_result_count == 0


def test_known_answers_are_given_while_the_queue_is_full(
    gateway: GatewayProcess, stub: StubModelServer
) -> None:
    ask(gateway, "famous")
    release = threading.Event()

    def hold(request: object, response: object) -> None:
        release.wait(20)

    stub.predict_fault = hold
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        waiting = []
        for number in range(40):
            text = chr(97 + number % 26) * (8 + number // 26)
            waiting.append(pool.submit(ask, gateway, text))
        wait_until(lambda: any(call.done() for call in waiting))
        refused = [call for call in waiting if call.done()]
        assert error_of(refused[0].result).code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert ask(gateway, "famous").timings.cached_result_count == 1
        release.set()
