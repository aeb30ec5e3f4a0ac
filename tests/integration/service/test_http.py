"""HTTP/JSON over real sockets."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import grpc
import httpx
import pytest
from google.protobuf import json_format
from google.rpc import status_pb2

from heed.v1 import inference_pb2
from tests.support.gateway import GatewayProcess
from tests.support.http import (
    body_of,
    detail_of,
    events_of,
    fields_of,
    metric_values,
    post_bytes,
    running_http_gateway,
)
from tests.support.stub_model_server import MODEL_NAME, StubModelServer, abort

MAX_BYTES = 400_000
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
    padded = json.dumps(body).encode() + b" " * 300_000
    assert len(post_bytes(http, padded).json()["results"]) == 400


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


def test_no_site_can_have_its_own_name_lead_here(http: httpx.Client) -> None:
    for name in ("evil.example", "evil.example:8080", "127.0.0.1.evil.example"):
        response = http.get("/v1/models", headers={"host": name})
        assert "--http-allowed-host" in body_of(response, "Status", 421)["message"]
    for name in ("localhost", "LOCALHOST:1", "127.0.0.1:99", "[::1]:8080"):
        assert http.get("/v1/models", headers={"host": name}).status_code == 200


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
