"""The OpenAPI document says what the HTTP surface does."""

from __future__ import annotations

import json

from grpc import StatusCode
from openapi_spec_validator import validate
from starlette.routing import Route

from heed.v1 import inference_pb2, model_pb2
from service.api.call_gate import CallGate
from service.api.call_log import CallLog
from service.api.entrance import Entrance
from service.errors import ModelAnswerError
from service.http.app import HttpParts, make_app
from service.http.errors import HTTP_STATUS, error_response
from service.http.explorer import explorer_routes
from service.http.methods import METHODS
from service.http.openapi import openapi_document
from service.http.openapi.schemas import comments
from service.metrics import Metrics
from service.settings import read_settings

NOT_OVER_HTTP = {"GenerateMany"}
"""HTTP cannot read and write at once."""

SERVICE = inference_pb2.DESCRIPTOR.services_by_name["InferenceService"]


def test_the_document_is_valid() -> None:
    validate(openapi_document())


def test_every_method_of_the_service_is_offered() -> None:
    offered = {method.name for method in METHODS}
    assert offered | NOT_OVER_HTTP == set(SERVICE.methods_by_name)
    assert not offered & NOT_OVER_HTTP


def test_every_route_is_in_the_document_and_the_other_way_round() -> None:
    metrics, gate = Metrics(), CallGate()
    entrance = Entrance(gate, metrics, log=CallLog(metrics))
    settings = read_settings(["--model-server=127.0.0.1:1", "--model=m"], {})
    app = make_app(settings, HttpParts(None, entrance, gate, metrics))  # type: ignore[arg-type]
    of_the_page = {route.path for route in explorer_routes()}
    routes = {
        (route.path, verb.lower())
        for route in app.routes
        if isinstance(route, Route) and route.path not in of_the_page
        for verb in route.methods or ()
        if verb != "HEAD"
    }
    paths = openapi_document()["paths"]
    assert routes == {(path, verb) for path, verbs in paths.items() for verb in verbs}


def test_every_element_of_the_protos_is_described() -> None:
    missing = [
        field.full_name
        for file in (inference_pb2, model_pb2)
        for message in file.DESCRIPTOR.message_types_by_name.values()
        for field in message.fields
        if field.full_name not in comments()
    ]
    assert missing == []
    described = openapi_document()["components"]["schemas"]["GenerateRequest"]["properties"]
    assert all(field["description"] for field in described.values())


def test_answers_must_hold_what_is_always_written_and_requests_nothing_unknown() -> None:
    schemas = openapi_document()["components"]["schemas"]
    assert "results" in schemas["GenerateResponse"]["required"]
    assert "required" not in schemas["GenerateRequest"]
    assert schemas["GenerateRequest"]["additionalProperties"] is False
    assert "additionalProperties" not in schemas["GenerateResponse"]


def test_operations_have_names_of_their_own() -> None:
    names = [
        operation["operationId"]
        for verbs in openapi_document()["paths"].values()
        for operation in verbs.values()
    ]
    assert len(set(names)) == len(names)


def test_the_document_is_json() -> None:
    assert json.loads(json.dumps(openapi_document()))["openapi"] == "3.1.0"


def test_every_status_code_of_grpc_has_an_http_status() -> None:
    assert set(HTTP_STATUS) == {code.name for code in StatusCode}


def test_what_the_model_did_wrong_is_not_blamed_on_the_caller() -> None:
    response = error_response(ModelAnswerError("wrong shapes"), "id")
    assert response.status_code == 500
    assert json.loads(bytes(response.body))["code"] == StatusCode.FAILED_PRECONDITION.value[0]
