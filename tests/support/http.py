"""Talks to a gateway over HTTP, and checks its answers against its OpenAPI document."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import jsonschema
from prometheus_client.parser import text_string_to_metric_families

from service.http.openapi import openapi_document
from tests.support.gateway import GatewayProcess, running_gateway
from tests.support.stub_model_server import MODEL_NAME, StubModelServer, running_stub


@contextmanager
def running_http_gateway(*flags: str) -> Iterator[tuple[GatewayProcess, StubModelServer]]:
    """A gateway that answers over HTTP, and the stub behind it."""
    with running_stub() as stub:
        base = ["--model-server", stub.address, "--model", MODEL_NAME, "--http-port=0"]
        with running_gateway([*base, *flags]) as gateway:
            yield gateway, stub


@functools.cache
def schema_validator(name: str) -> jsonschema.Draft202012Validator:
    """Checks JSON against a schema of the OpenAPI document."""
    components = json.loads(json.dumps(openapi_document()["components"]))
    schema = {"$ref": f"#/components/schemas/{name}", "components": components}
    return jsonschema.Draft202012Validator(schema)


def body_of(response: httpx.Response, schema: str, status_code: int = 200) -> Any:
    """The JSON of an answer that has this status and fits this schema."""
    assert response.status_code == status_code, response.text
    body = response.json()
    schema_validator(schema).validate(body)
    return body


def post_bytes(http: httpx.Client, body: bytes, path: str = "/v1/generate") -> httpx.Response:
    """Sends bytes as if they were JSON."""
    return http.post(path, content=body, headers={"content-type": "application/json"})


def detail_of(status: dict[str, Any], kind: str) -> dict[str, Any]:
    """The detail of google.rpc of a kind in a status."""
    (found,) = [each for each in status["details"] if each["@type"].endswith(f"google.rpc.{kind}")]
    return found


def fields_of(status: dict[str, Any]) -> dict[str, str]:
    """What is wrong with a request: descriptions by field."""
    violations = detail_of(status, "BadRequest")["fieldViolations"]
    return {each["field"]: each["description"] for each in violations}


def metric_values(text: str, name: str) -> dict[frozenset[tuple[str, str]], float]:
    """The values of a metric's samples by their labels."""
    return {
        frozenset(sample.labels.items()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def events_of(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    """The server-sent events of an answer: name and JSON."""
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))
