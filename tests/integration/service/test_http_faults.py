"""HTTP under faults: callers that leave, overload, the end, garbage, and what nobody would send."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.gateway import GatewayFailedError, GatewayProcess, running_gateway
from tests.support.http import (
    body_of,
    detail_of,
    events_of,
    metric_values,
    post_bytes,
    running_http_gateway,
)
from tests.support.stub_model_server import StubModelServer
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[GatewayProcess, StubModelServer]]:
    with running_http_gateway() as both:
        yield both


@pytest.fixture
def gateway(pair: tuple[GatewayProcess, StubModelServer]) -> GatewayProcess:
    return pair[0]


@pytest.fixture
def stub(pair: tuple[GatewayProcess, StubModelServer]) -> Iterator[StubModelServer]:
    yield pair[1]
    pair[1].predict_fault = None


@pytest.fixture(scope="module")
def module_client(pair: tuple[GatewayProcess, StubModelServer]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=pair[0].url, timeout=30) as client:
        yield client


@pytest.fixture
def http(module_client: httpx.Client, stub: StubModelServer) -> httpx.Client:
    return module_client


def test_a_caller_that_leaves_takes_its_work_along(
    http: httpx.Client, gateway: GatewayProcess, stub: StubModelServer
) -> None:
    release = threading.Event()
    stub.predict_fault = lambda request, response: release.wait(10)
    try:
        with pytest.raises(httpx.ReadTimeout), httpx.Client(base_url=gateway.url) as other:
            other.post("/v1/generate", json={"texts": ["gone"]}, timeout=0.3)
        cancelled = frozenset({("method", "Generate"), ("reason", "CANCELLED")})
        wait_until(
            lambda: (
                metric_values(http.get("/metrics").text, "heed_errors_total").get(cancelled, 0) == 1
            )
        )
        progress = metric_values(http.get("/metrics").text, "heed_requests_in_progress")
        assert set(progress.values()) == {0}
    finally:
        release.set()


def test_a_caller_that_leaves_in_the_middle_of_its_request_is_no_fault(
    http: httpx.Client, gateway: GatewayProcess
) -> None:
    def cancelled() -> float:
        found = metric_values(http.get("/metrics").text, "heed_errors_total")
        return found.get(frozenset({("method", "Score"), ("reason", "CANCELLED")}), 0)

    place, faults = urlsplit(gateway.url), gateway.log().count("Traceback")
    head = b"POST /v1/score HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    with socket.create_connection((place.hostname, place.port), timeout=5) as connection:
        connection.sendall(head + b'content-length: 500\r\n\r\n{"pairs"')
        time.sleep(0.1)
    wait_until(lambda: cancelled() == 1)
    assert gateway.log().count("Traceback") == faults


def test_closing_a_stream_takes_its_work_along(
    http: httpx.Client, gateway: GatewayProcess, stub: StubModelServer
) -> None:
    release, began = threading.Event(), len(stub.requests)

    def hang_later(request: object, response: object) -> None:
        if len(stub.requests) > began + 1:
            release.wait(10)

    stub.predict_fault = hang_later
    body = {"text": "abcdefghijkl", "chunkTokens": 2}
    cancelled = frozenset({("method", "StreamGenerate"), ("reason", "CANCELLED")})
    try:
        with (
            httpx.Client(base_url=gateway.url) as other,
            other.stream("POST", "/v1/streamGenerate", json=body) as response,
        ):
            events = events_of(response)  # closing these would close the connection
            next(events)
            assert open_streams(http) == 1
        wait_until(
            lambda: (
                metric_values(http.get("/metrics").text, "heed_errors_total").get(cancelled, 0) == 1
            )
        )
        assert open_streams(http) == 0
    finally:
        release.set()


def open_streams(http: httpx.Client) -> float:
    return sum(metric_values(http.get("/metrics").text, "heed_streams_open").values())


def test_an_overload_says_when_to_come_back(http: httpx.Client) -> None:
    with running_http_gateway("--max-queue-tokens=1", "--max-batches-in-flight=1") as (other, stub):
        release = threading.Event()
        stub.predict_fault = lambda request, response: release.wait(20)
        threads = [
            threading.Thread(
                target=lambda: httpx.post(
                    f"{other.url}/v1/generate", json={"texts": ["busy"]}, timeout=30
                )
            )
            for _ in range(2)
        ]
        trials = len(stub.requests)
        threads[0].start()
        wait_until(lambda: len(stub.requests) > trials)
        threads[1].start()  # it waits, since one batch is all that may be in flight
        try:
            metrics = f"{other.url}/metrics"
            wait_until(
                lambda: (
                    sum(metric_values(httpx.get(metrics).text, "heed_queue_tokens").values()) > 0
                )
            )
            found = httpx.post(f"{other.url}/v1/generate", json={"texts": ["busy"]})
            status = body_of(found, "Status", 429)
            assert int(found.headers["retry-after"]) >= 1
            assert "retryDelay" in detail_of(status, "RetryInfo")
        finally:
            release.set()
            for thread in threads:
                thread.join()


def test_sigterm_answers_what_was_accepted_and_turns_new_calls_away() -> None:
    with running_http_gateway() as (other, stub):
        release = threading.Event()
        stub.predict_fault = lambda request, response: release.wait(20)
        trials = len(stub.requests)
        answers: list[httpx.Response] = []
        url = f"{other.url}/v1/generate"

        def call() -> None:
            answers.append(httpx.post(url, json={"texts": ["kept"]}, timeout=30))

        thread = threading.Thread(target=call)
        thread.start()
        wait_until(lambda: len(stub.requests) > trials)
        other.process.terminate()
        wait_until(lambda: httpx.get(f"{other.url}/readyz").status_code == 503)
        assert httpx.get(f"{other.url}/readyz").json()["message"] == "the gateway is ending"
        refused = body_of(httpx.post(url, json={"texts": ["late"]}), "Status", 503)
        assert detail_of(refused, "ErrorInfo")["reason"] == "DRAINING"
        release.set()
        thread.join()
        assert answers[0].status_code == 200
        assert other.process.wait(20) == 0


def test_readiness_names_the_reason_for_each_model() -> None:
    flags = ["--model-server=127.0.0.1:1", "--model=g2p", "--model=en-de", "--http-port=0"]
    with running_gateway(flags, until_ready=False) as other:
        assert httpx.get(f"{other.url}/healthz").json() == {"status": "ok"}
        wait_until(
            lambda: httpx.get(f"{other.url}/readyz").text.count("does not answer") == 2,
            timeout_s=30,
        )
        body = body_of(httpx.get(f"{other.url}/readyz"), "Readiness", 503)
        assert not body["ready"]
        assert [model["name"] for model in body["models"]] == ["en-de", "g2p"]
        assert all("does not answer" in model["statusMessage"] for model in body["models"])


def test_the_port_in_use_ends_with_one_clear_line(gateway: GatewayProcess) -> None:
    port = urlsplit(gateway.url).port
    with pytest.raises(GatewayFailedError, match=f"cannot listen on 127.0.0.1:{port} for HTTP"):
        running_gateway(
            ["--model-server=127.0.0.1:1", "--model=m", f"--http-port={port}"]
        ).__enter__()


@pytest.mark.parametrize("garbage", [b"\x00" * 5000, b"PRI * HTTP/2.0\r\n\r\nSM", b"GET\r\n\r\n"])
def test_garbage_on_the_port_harms_nobody(
    http: httpx.Client, gateway: GatewayProcess, garbage: bytes
) -> None:
    place, faults = urlsplit(gateway.url), gateway.log().count("Traceback")
    with socket.create_connection((place.hostname, place.port), timeout=5) as connection:
        connection.sendall(garbage)
        connection.recv(1000)
    assert http.get("/healthz").status_code == 200
    assert gateway.log().count("Traceback") == faults


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["texts", "options", "model", "name", "version", "maxLength", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=JSON_VALUES, path=st.sampled_from(["generate", "score", "streamGenerate"]))
def test_no_body_is_answered_with_a_fault(
    module_client: httpx.Client, value: object, path: str
) -> None:
    response = post_bytes(module_client, json.dumps(value).encode(), f"/v1/{path}")
    assert response.status_code in (200, 400, 404)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.binary(max_size=200))
def test_no_bytes_are_answered_with_a_fault(module_client: httpx.Client, body: bytes) -> None:
    assert post_bytes(module_client, body).status_code == 400
