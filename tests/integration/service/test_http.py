"""HTTP/JSON over real sockets."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import grpc
import httpx
import pytest
from google.protobuf import json_format
from google.rpc import status_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heed.v1 import inference_pb2
from tests.support.gateway import GatewayProcess, running_gateway
from tests.support.http import (
    body_of,
    detail_of,
    events_of,
    fields_of,
    metric_values,
    running_http_gateway,
)
from tests.support.stub_model_server import MODEL_NAME, StubModelServer, abort
from tests.support.waiting import wait_until

MAX_BYTES = 100_000
ORIGIN = "https://example.org"


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[GatewayProcess, StubModelServer]]:
    flags = [f"--max-message-bytes={MAX_BYTES}", f"--http-cors-origin={ORIGIN}"]
    with running_http_gateway(*flags, "--max-texts-per-call=400") as both:
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


def requests_counted(http: httpx.Client) -> float:
    text = http.get("/metrics").text
    return sum(metric_values(text, "heed_requests_total").values())


def test_an_answer_is_the_same_message_as_over_grpc(
    http: httpx.Client, gateway: GatewayProcess
) -> None:
    body = {"texts": ["hello", "wörld"], "options": {"attention": "ATTENTION_LEVEL_HEADS"}}
    answer = body_of(http.post("/v1/generate", json=body), "GenerateResponse")
    over_http = json_format.ParseDict(answer, inference_pb2.GenerateResponse())
    request = json_format.ParseDict(body, inference_pb2.GenerateRequest())
    over_grpc = gateway.stub.Generate(request)
    for response in (over_http, over_grpc):
        response.ClearField("timings")
    assert over_http == over_grpc


@pytest.mark.parametrize("names", ["options.max_length", "options.maxLength"])
def test_fields_may_be_written_in_both_ways(http: httpx.Client, names: str) -> None:
    outer, inner = names.split(".")
    response = http.post("/v1/generate", json={"texts": ["hello"], outer: {inner: 3}})
    answer = body_of(response, "GenerateResponse")
    assert answer["results"][0]["hypotheses"][0]["text"] == "hel"
    assert answer["results"][0]["hypotheses"][0]["finishReason"] == "FINISH_REASON_LENGTH"


def test_scores_are_answered(http: httpx.Client) -> None:
    body = {"pairs": [{"sourceText": "hello", "targetText": "hello"}]}
    answer = body_of(http.post("/v1/score", json=body), "ScoreResponse")
    assert answer["results"][0]["target"]["score"] == -3


def test_texts_are_tokenized(http: httpx.Client) -> None:
    answer = body_of(http.post("/v1/tokenize", json={"texts": ["ab"]}), "TokenizeResponse")
    assert [token["text"] for token in answer["results"][0]["tokens"]] == ["a", "b"]


def test_models_are_listed_and_described(http: httpx.Client) -> None:
    listed = body_of(http.get("/v1/models"), "ListModelsResponse")["models"]
    assert [model["name"] for model in listed] == [MODEL_NAME]
    for path in (f"/v1/models/{MODEL_NAME}", f"/v1/models/{MODEL_NAME}/versions/1"):
        model = body_of(http.get(path), "GetModelResponse")["model"]
        assert (model["version"], model["ready"]) == ("1", True)
    missing = body_of(http.get(f"/v1/models/{MODEL_NAME}/versions/77"), "Status", 404)
    assert detail_of(missing, "ErrorInfo")["reason"] == "UNKNOWN_VERSION"
    wrong = body_of(http.get(f"/v1/models/{MODEL_NAME}/versions/new"), "Status", 400)
    assert "model.version" in fields_of(wrong)
    unlabelled = body_of(http.get(f"/v1/models/{MODEL_NAME}/labels/stable"), "Status", 404)
    assert detail_of(unlabelled, "ErrorInfo")["reason"] == "UNKNOWN_LABEL"


def test_outputs_grow_as_server_sent_events_and_end_in_the_unary_answer(
    http: httpx.Client,
) -> None:
    body = {"text": "abcdefghijkl", "chunkTokens": 2}
    with http.stream("POST", "/v1/streamGenerate", json=body) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert "x-request-id" in response.headers
        assert "content-encoding" not in response.headers
        events = list(events_of(response))
    assert {name for name, _ in events} == {""}
    messages = [
        json_format.ParseDict(data, inference_pb2.StreamGenerateResponse()) for _, data in events
    ]
    partial = [each.partial.text for each in messages if each.HasField("partial")]
    assert partial == ["ab", "abcd", "abcdefgh"]
    whole = body_of(http.post("/v1/generate", json={"texts": [body["text"]]}), "GenerateResponse")
    assert events[-1][1]["result"] == whole["results"][0]


def test_a_stream_that_fails_before_its_first_event_has_a_status(http: httpx.Client) -> None:
    status = body_of(http.post("/v1/streamGenerate", json={"text": " "}), "Status", 400)
    assert "text" in fields_of(status)


def test_a_stream_that_fails_on_the_way_ends_with_an_error_event(
    http: httpx.Client, stub: StubModelServer
) -> None:
    began = len(stub.requests)

    def break_later(request: object, response: object) -> None:
        if len(stub.requests) > began + 1:
            abort(grpc.StatusCode.INTERNAL, "broken")

    stub.predict_fault = break_later
    body = {"text": "abcdefghijkl", "chunkTokens": 2}
    with http.stream("POST", "/v1/streamGenerate", json=body) as response:
        assert response.status_code == 200
        (_, first), (name, status) = events_of(response)
    assert first["partial"]["text"] == "ab"
    assert name == "error"
    assert json_format.ParseDict(status, status_pb2.Status()).code == 13


WRONG = [
    ({"text": ["a"]}, "text"),
    ({"texts": "a"}, "texts"),
    ({"texts": [1]}, "texts[0]"),
    ({"texts": [None]}, "texts[0]"),
    ({"texts": ["a"], "options": {"attention": "ALL"}}, "options.attention"),
    ({"texts": ["a"], "options": {"maxLength": 1.5}}, "options.max_length"),
    ({"texts": ["a"], "options": {"maxLength": 2**31}}, "options.max_length"),
    ({"texts": ["a"], "options": {"maxLength": True}}, "options.max_length"),
    ({"texts": ["a"], "options": {"sampling": {"topP": "hot"}}}, "options.sampling.top_p"),
    ({"texts": ["a"], "options": {"maxLength": 3, "max_length": 3}}, "options.max_length"),
    ({"texts": ["a"], "options": []}, "options"),
    ({"texts": ["a"], "model": {"version": "x"}}, "model.version"),
    ({"texts": []}, "texts"),
    ({"texts": ["\ud800"]}, "texts[0]"),
    ([], "(message)"),
    (None, "(message)"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "field"), WRONG, ids=str)
def test_whatever_is_wrong_is_named_by_its_field(
    http: httpx.Client, body: object, field: str
) -> None:
    response = post_bytes(http, json.dumps(body).encode())
    status = body_of(response, "Status", 400)
    assert status["code"] == 3
    assert field in fields_of(status)
    assert detail_of(status, "RequestInfo")["requestId"] == response.headers["x-request-id"]


def post_bytes(http: httpx.Client, body: bytes, path: str = "/v1/generate") -> httpx.Response:
    return http.post(path, content=body, headers={"content-type": "application/json"})


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"texts":["a"]} x', b"\xff", b"[" * 90_000, b'{"a":NaN}', b"9" * 9000],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_no_json_is_told_so(http: httpx.Client, body: bytes) -> None:
    status = body_of(post_bytes(http, body), "Status", 400)
    assert "(message)" in fields_of(status)


def test_a_body_above_the_limit_is_refused_whether_announced_or_not(http: httpx.Client) -> None:
    body = b" " * (MAX_BYTES + 1)
    status = body_of(post_bytes(http, body), "Status", 413)
    assert detail_of(status, "ErrorInfo")["metadata"] == {"max_bytes": str(MAX_BYTES)}
    chunks = (body[begin : begin + 10_000] for begin in range(0, len(body), 10_000))
    headers = {"content-type": "application/json"}
    body_of(http.post("/v1/generate", content=chunks, headers=headers), "Status", 413)


def test_a_body_of_another_type_is_refused(http: httpx.Client) -> None:
    """A form on a page of another site could be sent without the browser asking first."""
    body_of(http.post("/v1/generate", data={"texts": "a"}), "Status", 415)
    body_of(http.post("/v1/generate", content=b"{}"), "Status", 415)
    compressed = {"content-type": "application/json", "content-encoding": "gzip"}
    body_of(http.post("/v1/generate", content=b"{}", headers=compressed), "Status", 415)


@pytest.mark.parametrize("path", ["/v1/models", f"/v1/models/{MODEL_NAME}"])
def test_parameters_that_would_be_ignored_are_refused(http: httpx.Client, path: str) -> None:
    assert "(query)" in fields_of(body_of(http.get(f"{path}?version=2"), "Status", 400))


def test_large_messages_are_read_and_written_too(http: httpx.Client) -> None:
    body = {"texts": ["abcdefghijklmnop"] * 400, "options": {"attention": "ATTENTION_LEVEL_HEADS"}}
    padded = json.dumps(body).encode() + b" " * 80_000
    answer = body_of(post_bytes(http, padded), "GenerateResponse")
    assert len(answer["results"]) == 400


def test_wrong_paths_and_verbs_are_answered_in_json(http: httpx.Client) -> None:
    assert body_of(http.get("/v2/generate"), "Status", 404)["code"] == 5
    response = http.get("/v1/generate")
    assert body_of(response, "Status", 405)["code"] == 12
    assert response.headers["allow"] == "POST"
    assert body_of(http.delete("/v1/models"), "Status", 405)


def test_head_and_options_are_answered(http: httpx.Client) -> None:
    response = http.head("/v1/models")
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) > 0
    response = http.options("/v1/generate")
    assert (response.status_code, response.headers["allow"]) == (204, "POST")


def test_other_sites_may_call_only_if_they_are_listed(http: httpx.Client) -> None:
    asked = {"access-control-request-method": "POST", "origin": ORIGIN}
    allowed = http.options("/v1/generate", headers=asked)
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    asked["origin"] = "https://evil.example"
    refused = http.options("/v1/generate", headers=asked)
    assert refused.status_code == 400
    assert "access-control-allow-origin" not in refused.headers
    answer = http.get("/v1/models", headers={"origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_large_answers_are_compressed_for_those_who_want_it(http: httpx.Client) -> None:
    body = {"texts": ["abcdefghij"] * 100, "options": {"attention": "ATTENTION_LEVEL_PIECES"}}
    compressed = http.post("/v1/generate", json=body)
    plain = http.post("/v1/generate", json=body, headers={"accept-encoding": "identity"})
    assert compressed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert compressed.json()["results"] == plain.json()["results"]


@pytest.mark.parametrize(
    ("header", "value"), [("x-request-timeout", "0.2"), ("grpc-timeout", "200m")]
)
def test_a_deadline_is_kept(
    http: httpx.Client, stub: StubModelServer, header: str, value: str
) -> None:
    stub.predict_fault = lambda request, response: time.sleep(1)
    began = time.monotonic()
    response = http.post("/v1/generate", json={"texts": ["late"]}, headers={header: value})
    assert time.monotonic() - began < 0.9
    assert detail_of(body_of(response, "Status", 504), "ErrorInfo")["reason"] == "DEADLINE_PASSED"


@pytest.mark.parametrize(
    ("header", "value"),
    [("x-request-timeout", "soon"), ("x-request-timeout", "0"), ("grpc-timeout", "5")],
)
def test_a_deadline_that_cannot_be_read_is_refused(
    http: httpx.Client, header: str, value: str
) -> None:
    response = http.post("/v1/generate", json={"texts": ["a"]}, headers={header: value})
    assert header in fields_of(body_of(response, "Status", 400))


def test_a_request_id_comes_back(http: httpx.Client) -> None:
    response = http.get("/v1/models", headers={"x-request-id": "mine-7"})
    assert response.headers["x-request-id"] == "mine-7"


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
    head = b"POST /v1/score HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
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
    with pytest.raises(Exception, match=f"cannot listen on 127.0.0.1:{port} for HTTP"):
        running_gateway(
            ["--model-server=127.0.0.1:1", "--model=m", f"--http-port={port}"]
        ).__enter__()


def test_the_document_is_served(http: httpx.Client) -> None:
    document = http.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert "/v1/generate" in document["paths"]


def test_metrics_count_the_calls_made_and_nothing_else(http: httpx.Client) -> None:
    before = requests_counted(http)
    for _ in range(7):
        http.post("/v1/generate", json={"texts": ["counted"]})
    http.get("/healthz")
    assert requests_counted(http) == before + 7


def test_labels_stay_bounded_whatever_callers_write(http: httpx.Client) -> None:
    http.get("/v1/models/none")
    http.post("/v1/generate", json={"texts": ["a"], "model": {"name": "none"}})
    before = len(http.get("/metrics").text.splitlines())
    for index in range(1000):
        http.get(f"/v1/models/bad-{index}", headers={"x-request-id": f"id-{index}"})
    text = http.get("/metrics").text
    assert len(text.splitlines()) == before
    assert "bad-" not in text
    assert "id-9" not in text


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
