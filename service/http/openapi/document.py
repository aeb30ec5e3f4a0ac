"""The document: paths, parameters, answers."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.descriptor import Descriptor

from heed import __version__
from heed.v1 import inference_pb2
from service.api.entrance import REQUEST_ID_KEY
from service.http.methods import METHODS, HttpMethod, Path
from service.http.openapi.schemas import Schema, comments, field_schema, reference, schemas_of
from service.http.requests import GRPC_TIMEOUT_HEADER, TIMEOUT_HEADER

_SERVICE: Final = inference_pb2.DESCRIPTOR.services_by_name["InferenceService"]

_DESCRIPTION: Final = """\
{comment}

Names of fields are in lowerCamelCase; requests may also write them as the protos do. Long integers
are texts. Every failure is answered with google.rpc.Status."""

_STATUS: Final[Schema] = {
    "type": "object",
    "description": "google.rpc.Status: what every failure is answered with.",
    "required": ["code", "message"],
    "properties": {
        "code": {"type": "integer", "description": "The code, as google/rpc/code.proto has it."},
        "message": {"type": "string", "description": "What happened, for people."},
        "details": {
            "type": "array",
            "description": "google.rpc's details: ErrorInfo with the reason, RequestInfo with the "
            "request's id, BadRequest with each field that is wrong, RetryInfo with the pause.",
            "items": {
                "type": "object",
                "required": ["@type"],
                "properties": {"@type": {"type": "string"}},
            },
        },
    },
}
_READINESS: Final[Schema] = {
    "type": "object",
    "required": ["ready", "message", "models"],
    "properties": {
        "ready": {"type": "boolean", "description": "Whether at least one model can answer."},
        "message": {"type": "string", "description": "Why no call is let in; empty otherwise."},
        "models": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "ready", "readyVersions", "statusMessage"],
                "properties": {
                    "name": {"type": "string"},
                    "ready": {"type": "boolean"},
                    "readyVersions": {"type": "array", "items": {"type": "string"}},
                    "statusMessage": {"type": "string", "description": "Why it is not ready."},
                },
            },
        },
    },
}
_CALL_HEADERS: Final[tuple[Schema, ...]] = (
    {
        "name": REQUEST_ID_KEY,
        "in": "header",
        "description": "The caller's own id for the call, which its log lines and errors show: at "
        "most 64 letters, digits, dots, colons, dashes or underscores. Default: a new one.",
        "schema": {"type": "string"},
    },
    {
        "name": TIMEOUT_HEADER,
        "in": "header",
        "description": "How long the caller waits, in seconds, for example 2.5. Default: for ever.",
        "schema": {"type": "string"},
    },
    {
        "name": GRPC_TIMEOUT_HEADER,
        "in": "header",
        "description": "The same in gRPC's form, for example 2500m.",
        "schema": {"type": "string"},
    },
)


def openapi_document() -> dict[str, Any]:
    """The document as JSON values."""
    methods = [_SERVICE.methods_by_name[method.name] for method in METHODS]
    posted = [_SERVICE.methods_by_name[each.name] for each in METHODS if each.verb == "POST"]
    schemas = schemas_of(
        [method.input_type for method in posted], [method.output_type for method in methods]
    )
    comment = comments().get(_SERVICE.full_name, "")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Heed",
            "version": __version__,
            "description": _DESCRIPTION.format(comment=comment),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": {**_call_paths(), **_pages()},
        "components": {
            "schemas": {**schemas, "Status": _STATUS, "Readiness": _READINESS},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
            },
        },
        "security": [{}, {"bearer": []}, {"apiKey": []}],
    }


def _call_paths() -> dict[str, Schema]:
    return {
        path.template: {method.verb.lower(): _operation(method, path)}
        for method in METHODS
        for path in method.paths
    }


def _operation(method: HttpMethod, path: Path) -> Schema:
    descriptor = _SERVICE.methods_by_name[method.name]
    comment = comments().get(descriptor.full_name, "")
    operation: Schema = {
        "operationId": _operation_id(method, path),
        "summary": comment.partition(". ")[0].rstrip("."),
        "description": comment,
        "parameters": [*_path_parameters(path, descriptor.input_type), *_CALL_HEADERS],
        "responses": {
            "200": _success(method, descriptor.output_type),
            "default": _failure("A failure; the status says which kind."),
        },
    }
    if method.verb == "POST":
        content = {"application/json": {"schema": reference(descriptor.input_type)}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _operation_id(method: HttpMethod, path: Path) -> str:
    by = "".join(f"By{name.capitalize()}" for name, _ in path.fields[1:])
    return method.name[0].lower() + method.name[1:] + by


def _path_parameters(path: Path, request: Descriptor) -> list[Schema]:
    parameters = []
    for name, place in path.fields:
        *outer, last = place.split(".")
        message = request
        for part in outer:
            message = message.fields_by_name[part].message_type
        schema = field_schema(message.fields_by_name[last], is_sent=False)
        description = schema.pop("description", "").partition(". ")[0]
        parameters.append(
            {
                "name": name,
                "in": "path",
                "required": True,
                "description": description,
                "schema": schema,
            }
        )
    return parameters


def _success(method: HttpMethod, response: Descriptor) -> Schema:
    headers = {REQUEST_ID_KEY: {"description": "The call's id.", "schema": {"type": "string"}}}
    if method.stream is None:
        content = {"application/json": {"schema": reference(response)}}
        return {"description": "The answer.", "headers": headers, "content": content}
    description = (
        f"Server-sent events: each one's data is a {response.name} as JSON. A failure after the "
        'first is an event named "error", its data google.rpc.Status.'
    )
    content = {"text/event-stream": {"schema": {"type": "string"}}}
    return {"description": description, "headers": headers, "content": content}


def _failure(description: str) -> Schema:
    schema = {"$ref": "#/components/schemas/Status"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _pages() -> dict[str, Schema]:
    readiness = {"application/json": {"schema": {"$ref": "#/components/schemas/Readiness"}}}
    alive = {"application/json": {"schema": {"type": "object"}}}
    text = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "/healthz": _page("healthz", "Whether the process lives", {"200": ("It does.", alive)}),
        "/readyz": _page(
            "readyz",
            "Whether calls can be answered",
            {"200": ("They can.", readiness), "503": ("They cannot; the reasons.", readiness)},
        ),
        "/metrics": _page(
            "metrics", "Metrics for Prometheus", {"200": ("They are.", text)}, needs_key=True
        ),
        "/openapi.json": _page("openapi", "This document", {"200": ("It is.", alive)}),
    }


def _page(
    name: str,
    summary: str,
    answers: dict[str, tuple[str, Schema]],
    *,
    needs_key: bool = False,
) -> Schema:
    responses = {
        status: {"description": description, "content": content}
        for status, (description, content) in answers.items()
    }
    page: Schema = {"operationId": name, "summary": summary, "responses": responses}
    if needs_key:
        responses["default"] = _failure("Where keys are asked for: there is none that is good.")
    else:
        page["security"] = [{}]
    return {"get": page}
