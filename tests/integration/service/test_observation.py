"""What the gateway tells of itself: logs, metrics and traces of real processes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import httpx
import pytest

from tests.support.gateway import GatewayProcess, error_of, generate_request
from tests.support.http import metric_values, running_http_gateway
from tests.support.stub_model_server import MODEL_NAME, StubModelServer, running_stub
from tests.support.trace_receiver import TraceReceiver, running_trace_receiver
from tests.support.waiting import wait_until

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_ID = "00f067aa0ba902b7"
SECRET = "secretword"


@pytest.fixture(scope="module")
def receiver() -> Iterator[TraceReceiver]:
    with running_trace_receiver() as one:
        yield one


@pytest.fixture(scope="module")
def pair(receiver: TraceReceiver) -> Iterator[tuple[GatewayProcess, StubModelServer]]:
    flags = ["--log-format=json", "--log-calls=1", f"--otlp-endpoint={receiver.endpoint}"]
    os.environ["OTEL_BSP_SCHEDULE_DELAY"] = "100"
    try:
        with running_http_gateway(*flags) as both:
            yield both
    finally:
        del os.environ["OTEL_BSP_SCHEDULE_DELAY"]


@pytest.fixture
def gateway(pair: tuple[GatewayProcess, StubModelServer]) -> GatewayProcess:
    return pair[0]


def lines_of(gateway: GatewayProcess, request_id: str) -> list[dict[str, Any]]:
    """The log's lines of one call; waits for the first."""
    found: list[dict[str, Any]] = []

    def look() -> bool:
        lines = [line for line in gateway.log().splitlines() if line.startswith("{")]
        found[:] = [line for line in map(json.loads, lines) if line["request_id"] == request_id]
        return bool(found)

    wait_until(look)
    return found


def generate(gateway: GatewayProcess, *texts: str, **metadata: str) -> Any:
    pairs = [(key.replace("_", "-"), value) for key, value in metadata.items()]
    return gateway.stub.Generate(generate_request(*texts), timeout=10, metadata=pairs)


def test_a_line_of_a_call_tells_all_but_its_text(gateway: GatewayProcess) -> None:
    generate(gateway, SECRET, x_request_id="call-1")
    (line,) = lines_of(gateway, "call-1")
    expected = {
        "level": "info",
        "protocol": "grpc",
        "method": "Generate",
        "code": "OK",
        "model": MODEL_NAME,
        "version": 1,
    }
    assert expected.items() <= line.items()
    stages = [line[name] for name in ("tokenize_s", "queue_s", "model_s")]
    assert all(seconds >= 0 for seconds in stages)
    assert sum(stages) <= line["duration_s"] + 0.001
    assert len(line["trace_id"]) == 32
    assert SECRET not in gateway.log()


def test_a_line_of_a_failure_names_its_reason(gateway: GatewayProcess) -> None:
    with httpx.Client(base_url=gateway.url) as http:
        headers = {"x-request-id": "call-2"}
        http.post("/v1/generate", json={"texts": [SECRET, ""]}, headers=headers)
    (line,) = lines_of(gateway, "call-2")
    expected = {"protocol": "http", "code": "INVALID_ARGUMENT", "reason": "INVALID_REQUEST"}
    assert expected.items() <= line.items()
    assert SECRET not in gateway.log()


def test_texts_are_logged_only_by_those_who_ask_for_it() -> None:
    with running_http_gateway("--log-texts", "--log-calls=1") as (gateway, _):
        assert "--log-texts" in gateway.log()
        generate(gateway, SECRET)
        httpx.post(f"{gateway.url}/v1/generate", json={"texts": [SECRET + "b"]})
        wait_until(lambda: f"{SECRET}b" in gateway.log())
        assert f"'texts': ['{SECRET}']" in gateway.log()


@contextmanager
def gateway_on_a_full_disk(stub: StubModelServer) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    flags = ["--model-server", stub.address, "--model", MODEL_NAME, "--grpc-port=0"]
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        process = subprocess.Popen(
            [sys.executable, "-m", "service", *flags, f"--http-port={port}"], stderr=full
        )
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_a_full_disk_for_logs_costs_the_lines_and_nothing_else() -> None:
    with running_stub() as stub, gateway_on_a_full_disk(stub) as (process, url):
        wait_until(lambda: is_ready(url), timeout_s=30)
        with httpx.Client(base_url=url) as http:
            for _ in range(10):
                assert http.post("/v1/generate", json={"texts": [""]}).status_code == 400
                assert http.post("/v1/generate", json={"texts": ["a"]}).status_code == 200
            lost = metric_values(http.get("/metrics").text, "heed_log_lines_dropped_total")
        assert lost[frozenset({("reason", "unwritable")})] > 5
        process.terminate()
        assert process.wait(20) == 0


def test_a_trace_goes_from_the_caller_to_the_batch(
    gateway: GatewayProcess, receiver: TraceReceiver
) -> None:
    parent = f"00-{TRACE_ID}-{PARENT_ID}-01"
    generate(gateway, "hello", "there", traceparent=parent)
    wait_until(lambda: bool(spans_of_trace(receiver)) and "Generate" in spans_of_trace(receiver))
    spans = spans_of_trace(receiver)
    assert spans["Generate"].parent_span_id.hex() == PARENT_ID
    assert {"tokenize", "queue", "model", "detokenize"} <= set(spans)
    assert all(
        span.parent_span_id == spans["Generate"].span_id
        for name, span in spans.items()
        if name != "Generate"
    )
    batch_id = spans["queue"].links[0].span_id
    (batch,) = [span for span in receiver.named("batch") if span.span_id == batch_id]
    assert batch.links[0].trace_id.hex() == TRACE_ID
    (predict,) = [span for span in receiver.named("Predict") if span.parent_span_id == batch_id]
    assert predict.trace_id == batch.trace_id != spans["queue"].trace_id
    assert receiver.services == {"heed"}


def spans_of_trace(receiver: TraceReceiver) -> dict[str, Any]:
    return {span.name: span for span in receiver.spans if span.trace_id.hex() == TRACE_ID}


def test_http_calls_are_traced_too(gateway: GatewayProcess, receiver: TraceReceiver) -> None:
    trace_id = "a" * 32
    headers = {"traceparent": f"00-{trace_id}-{PARENT_ID}-01"}
    httpx.post(f"{gateway.url}/v1/generate", json={"texts": ["a"]}, headers=headers)
    wait_until(lambda: any(span.trace_id.hex() == trace_id for span in receiver.named("Generate")))
    assert "hello" not in str(receiver.spans)


def test_a_receiver_that_is_not_there_costs_the_spans_alone() -> None:
    with running_http_gateway("--otlp-endpoint=http://127.0.0.1:1") as (gateway, _):
        for _ in range(50):
            assert generate(gateway, "hello").results
        began = time.monotonic()
        assert gateway.terminate() == 0
        assert time.monotonic() - began < 10


def test_metrics_of_every_part_agree_on_what_was_done(gateway: GatewayProcess) -> None:
    def value(name: str, **labels: str) -> float:
        text = httpx.get(f"{gateway.url}/metrics").text
        wanted = set(labels.items())
        return sum(v for found, v in metric_values(text, name).items() if wanted <= found)

    names = ("heed_requests_total", "heed_batch_rows_sum", "heed_batched_tokens_total")
    before = {name: value(name, model=MODEL_NAME) for name in names}
    for _ in range(5):
        generate(gateway, "abc", "abcdef")
    after = {name: value(name, model=MODEL_NAME) for name in names}
    assert after["heed_requests_total"] - before["heed_requests_total"] == 5
    assert after["heed_batch_rows_sum"] - before["heed_batch_rows_sum"] == 10
    assert after["heed_batched_tokens_total"] - before["heed_batched_tokens_total"] == 45
    assert value("heed_queue_tokens") == 0
    assert value("heed_model_ready", model=MODEL_NAME) == 1
    assert value("heed_model_newest_version", model=MODEL_NAME) == 1
    assert value("heed_replica_healthy") == 1
    assert value("heed_replica_outstanding_tokens") == 0


def test_a_failed_call_is_counted_by_its_reason(gateway: GatewayProcess) -> None:
    error = error_of(lambda: generate(gateway, ""))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    text = httpx.get(f"{gateway.url}/metrics").text
    found = metric_values(text, "heed_errors_total")
    assert found[frozenset({("method", "Generate"), ("reason", "INVALID_REQUEST")})] >= 1
