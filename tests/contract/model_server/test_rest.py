"""The REST API: addresses, forms, bytes, and errors as HTTP statuses."""

from __future__ import annotations

import http.client
import json
import math
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.model_server import free_port, model_flags, running_server_under_test
from tests.support.saved_models import publish_copy
from tests.support.serving_client import serving_client, tensor
from tests.support.waiting import wait_until

MODEL = "full"
METRICS = "/monitoring/prometheus/metrics"


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    content_type: str
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> tuple[int, str]:
        return self.status, str(self.json["error"])


class RestClient:
    """Calls one server's REST API, and its gRPC side."""

    def __init__(self, rest_port: int, address: str) -> None:
        self.rest_port = rest_port
        self.address = address

    def call(self, method: str, path: str, body: str | bytes | None = None) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.rest_port, timeout=20)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            content_type = answer.headers["Content-Type"] or ""
            return Reply(answer.status, content_type, answer.read().decode())
        finally:
            connection.close()

    def get(self, path: str) -> Reply:
        return self.call("GET", path)

    def predict(self, document: Any, model: str = f"/v1/models/{MODEL}") -> Reply:
        return self.call("POST", f"{model}:predict", json.dumps(document))


def listens(port: int) -> bool:
    """True once the HTTP side is there, which may be a moment after the gRPC side."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def rest(full_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RestClient]:
    """A server with versions 3 and 4 of the full model, labels, metrics and a short timeout."""
    folder = tmp_path_factory.mktemp("rest")
    for version in (3, 4):
        publish_copy(full_model, folder / MODEL, version)
    models, monitoring, port = folder / "models", folder / "monitoring", free_port()
    models.write_text(
        f'model_config_list {{ config {{ name: "{MODEL}" base_path: "{folder / MODEL}" '
        'model_platform: "tensorflow" model_version_policy { all { } } '
        'version_labels { key: "old" value: 3 } } }'
    )
    monitoring.write_text("prometheus_config { enable: true }")
    flags = [
        *(f"--model_config_file={models}", "--allow_version_labels_for_unavailable_models"),
        *(f"--rest_api_port={port}", "--rest_api_timeout_in_ms=1500"),
        f"--monitoring_config_file={monitoring}",
    ]
    with running_server_under_test(flags) as server, serving_client(server.address) as client:
        wait_until(lambda: listens(port))
        client.wait_for_states(MODEL, (4, "AVAILABLE", 0), (3, "AVAILABLE", 0))
        yield RestClient(port, server.address)


def test_the_status_lists_versions_with_names_and_numbers_as_text(rest: RestClient) -> None:
    reply = rest.get(f"/v1/models/{MODEL}")
    assert (reply.status, reply.content_type) == (200, "application/json")
    expected = [
        {
            "version": version,
            "state": "AVAILABLE",
            "status": {"error_code": "OK", "error_message": ""},
        }
        for version in ("4", "3")
    ]
    assert reply.json == {"model_version_status": expected}


def test_the_status_of_one_version(rest: RestClient) -> None:
    versions = rest.get(f"/v1/models/{MODEL}/versions/3").json["model_version_status"]
    assert [status["version"] for status in versions] == ["3"]


def test_addresses_do_not_mind_capitals_but_models_do(rest: RestClient) -> None:
    assert rest.get(f"/V1/Models/{MODEL}").status == 200
    assert rest.get(f"/v1/models/{MODEL.upper()}").status == 404


def test_an_unknown_model_or_version_is_404(rest: RestClient) -> None:
    message = "Could not find any versions of model nobody"
    assert rest.get("/v1/models/nobody").error == (404, message)
    message = f"Could not find version 9 of model {MODEL}"
    assert rest.get(f"/v1/models/{MODEL}/versions/9").error == (404, message)


@pytest.mark.parametrize("version", ["", "/versions/4"])
def test_the_metadata_describe_every_signature(rest: RestClient, version: str) -> None:
    reply = rest.get(f"/v1/models/{MODEL}{version}/metadata").json
    assert reply["model_spec"] == {"name": MODEL, "signature_name": "", "version": "4"}
    signatures = reply["metadata"]["signature_def"]["signature_def"]
    assert {"serving_default", "sum", "__saved_model_init_op"} < set(signatures)
    described = signatures["serving_default"]["inputs"]["x"]
    assert described["dtype"] == "DT_FLOAT"
    assert described["tensor_shape"]["dim"] == [{"size": "-1", "name": ""}]


def test_the_metadata_follow_a_label(rest: RestClient) -> None:
    reply = rest.get(f"/v1/models/{MODEL}/labels/old/metadata").json
    assert reply["model_spec"]["version"] == "3"


def test_rows_answer_rows(rest: RestClient) -> None:
    reply = rest.predict({"instances": [2.0, 4.0]})
    assert reply.status == 200
    assert reply.json == {"predictions": [{"kind": 3, "y": 3.0}, {"kind": 3, "y": 4.0}]}


def test_rows_may_name_their_inputs(rest: RestClient) -> None:
    rows = [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.5}]
    reply = rest.predict({"signature_name": "sum", "instances": rows})
    assert reply.json == {
        "predictions": [{"difference": -1.0, "total": 3.0}, {"difference": -1.5, "total": 7.5}]
    }


def test_columns_answer_columns(rest: RestClient) -> None:
    reply = rest.predict({"inputs": [2.0, 4.0]})
    assert reply.json == {"outputs": {"kind": [3, 3], "y": [3.0, 4.0]}}
    named = {"signature_name": "sum", "inputs": {"a": [1.0], "b": [2.0]}}
    assert rest.predict(named).json == {"outputs": {"difference": [-1.0], "total": [3.0]}}


def test_a_single_output_stands_without_its_name(rest: RestClient) -> None:
    rows = {"signature_name": "matrix", "instances": [[1, 2], [3, 4]]}
    assert rest.predict(rows).json == {"predictions": [[3.0], [7.0]]}
    columns = {"signature_name": "matrix", "inputs": [[1, 2]]}
    assert rest.predict(columns).json == {"outputs": [[3.0]]}


@pytest.mark.parametrize("address", ["/versions/3", "/labels/old"])
def test_a_version_or_label_in_the_address_runs(rest: RestClient, address: str) -> None:
    reply = rest.predict({"instances": [2.0]}, f"/v1/models/{MODEL}{address}")
    assert reply.json["predictions"][0]["y"] == 3.0


def test_bytes_come_in_base64_and_strings_go_out_as_they_are(rest: RestClient) -> None:
    document = {"signature_name": "echo_string", "instances": [{"b64": "aGVlZA=="}, "é"]}
    assert rest.predict(document).json == {"predictions": ["heed", "é"]}


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        ("int32", [-(2**31), 2**31 - 1]),
        ("int64", [-(2**63), 2**63 - 1]),
        ("uint32", [2**32 - 1]),
        ("uint64", [2**64 - 1]),
        ("bool", [True, False]),
        ("int8", [-5, 7]),
        ("float64", [0.1, 1e300]),
    ],
)
def test_values_of_every_json_type_go_both_ways(
    rest: RestClient, dtype: str, values: list[Any]
) -> None:
    reply = rest.predict({"signature_name": f"echo_{dtype}", "inputs": values})
    assert reply.json == {"outputs": values}


def test_floats_are_short_and_never_whole_numbers(rest: RestClient) -> None:
    values = [0.1, 1.0, 16777215.0, 1e-5]
    reply = rest.predict({"signature_name": "echo_float32", "inputs": values})
    numbers = reply.text.partition("[")[2].partition("]")[0].replace("\n", "").split(",")
    assert [number.strip() for number in numbers] == ["0.1", "1.0", "16777215.0", "1e-05"]


def test_numbers_that_are_none_go_both_ways(rest: RestClient) -> None:
    body = '{"signature_name": "echo_float32", "inputs": [NaN, Infinity, -Infinity]}'
    outputs = rest.call("POST", f"/v1/models/{MODEL}:predict", body).json["outputs"]
    assert math.isnan(outputs[0])
    assert outputs[1:] == [math.inf, -math.inf]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "Missing 'inputs' or 'instances' key"),
        (
            {"signature_name": "none", "inputs": [1.0]},
            'Serving signature name: "none" not found in signature def',
        ),
        (
            {"signature_name": "sum", "instances": [1.0]},
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map",
        ),
        (
            {"signature_name": "sum", "inputs": {"a": [1.0]}},
            "Missing named input: b in 'inputs' object.",
        ),
        (
            {"instances": [1.0, {"x": 2.0}]},
            "Expecting value/list but got object at item 1 of input list",
        ),
        (
            {"inputs": [[1.0, 2.0], [3.0]]},
            "Encountered list at unexpected size: 1 at level: 1 expected size: 2",
        ),
        (
            {"signature_name": "echo_float32", "inputs": [16777216]},
            "Cannot convert JSON value: 16777216 to float without loss of precision.",
        ),
        (
            {"inputs": ["a"]},
            'JSON Value: "a" Type: String is not of expected type: float',
        ),
    ],
)
def test_a_body_that_does_not_fit_is_400(rest: RestClient, document: Any, message: str) -> None:
    assert rest.predict(document).error == (400, message)


@pytest.mark.parametrize(
    ("body", "beginning"),
    [
        ("", "JSON Parse error: The document is empty"),
        ("{", "JSON Parse error: "),
        ("[1]", "JSON Value: "),
        ('{"instances": []}', "JSON Value: "),
        ('{"instances": 1}', "JSON Value: "),
        ('{"instances": [1], "inputs": [1]}', "JSON Value: "),
        ('{"signature_name": 1, "inputs": [1]}', "JSON Value: "),
        ('{"instances": [{"y": 1.0}]}', "Failed to process element: 0 key: y of 'instances' list"),
        ('{"instances": [1.0, [2.0]]}', "Failed to process element: 1 of 'instances' list. Error"),
    ],
)
def test_a_body_that_makes_no_sense_is_400(rest: RestClient, body: str, beginning: str) -> None:
    status, message = rest.call("POST", f"/v1/models/{MODEL}:predict", body).error
    assert status == 400
    assert message.startswith(beginning)


def test_an_unknown_model_is_404_in_predict_too(rest: RestClient) -> None:
    reply = rest.predict({"inputs": [1.0]}, "/v1/models/nobody")
    assert reply.error == (404, "Servable not found for request: Latest(nobody)")
    reply = rest.predict({"inputs": [1.0]}, f"/v1/models/{MODEL}/versions/9")
    assert reply.error == (404, f"Servable not found for request: Specific({MODEL}, 9)")


def test_an_unknown_label_is_400(rest: RestClient) -> None:
    reply = rest.predict({"inputs": [1.0]}, f"/v1/models/{MODEL}/labels/new")
    assert reply.error == (400, "Unrecognized servable version label: new")


def test_a_run_that_takes_too_long_is_504(rest: RestClient) -> None:
    reply = rest.predict({"signature_name": "loop", "inputs": [10**12]})
    assert reply.status == 504


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", f"/v1/models/{MODEL}"), ("GET", f"/v1/models/{MODEL}:predict"), ("GET", "/v1/x")],
)
def test_an_address_that_is_none_is_400(rest: RestClient, method: str, path: str) -> None:
    assert rest.call(method, path).error == (400, f"Malformed request: {method} {path}")


def test_the_metrics_count_requests_by_model_and_status(rest: RestClient) -> None:
    def count(status: str) -> int:
        line = f':tensorflow:serving:request_count{{model_name="{MODEL}",status="{status}"}} '
        text = rest.get(METRICS).text
        found = [row for row in text.splitlines() if row.startswith(line)]
        return int(found[0].removeprefix(line)) if found else 0

    before = count("OK"), count("INVALID_ARGUMENT")
    rest.predict({"inputs": [1.0]})
    rest.predict({})
    with serving_client(rest.address) as client:
        client.predict(MODEL, {"x": tensor([1.0])})
    assert (count("OK") - before[0], count("INVALID_ARGUMENT") - before[1]) == (2, 1)


def test_the_metrics_are_cumulative_histograms_with_tensorflow_servings_bounds(
    rest: RestClient,
) -> None:
    with serving_client(rest.address) as client:
        client.predict(MODEL, {"x": tensor([1.0])})
    text = rest.get(METRICS).text
    name = ":tensorflow:serving:request_latency"
    labels = f'model_name="{MODEL}",API="Predict",entrypoint="GRPC"'
    assert f"# TYPE {name} histogram" in text
    prefix = f'{name}_bucket{{{labels},le="'
    buckets = [line.removeprefix(prefix) for line in text.splitlines() if line.startswith(prefix)]
    bounds = [bucket.partition('"')[0] for bucket in buckets]
    assert (len(bounds), bounds[:3], bounds[-1]) == (34, ["10", "18", "32.4"], "+Inf")
    counts = [int(bucket.rpartition(" ")[2]) for bucket in buckets]
    assert counts == sorted(counts)
    assert f"{name}_count{{{labels}}} {counts[-1]}" in text
    assert f"{name}_sum{{{labels}}} " in text
    assert ":tensorflow:serving:runtime_latency_count{" in text
    assert "# HELP" not in text


def test_the_metrics_path_can_be_changed_and_needs_to_be_switched_on(
    full_model: Path, tmp_path: Path
) -> None:
    monitoring, port = tmp_path / "monitoring", free_port()
    monitoring.write_text('prometheus_config { enable: true path: "/metrics" }')
    flags = [f"--rest_api_port={port}", f"--monitoring_config_file={monitoring}"]
    with running_server_under_test([*model_flags(MODEL, full_model.parent), *flags]) as server:
        wait_until(lambda: listens(port))
        rest = RestClient(port, server.address)
        rest.predict({"inputs": [1.0]})
        assert ":tensorflow:serving:request_count" in rest.get("/metrics").text
        assert rest.get(METRICS).status == 404
