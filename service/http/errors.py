"""Errors as HTTP says them: a status code, and google.rpc.Status as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2
from starlette.responses import Response

from service import errors
from service.api.entrance import REQUEST_ID_KEY
from service.api.error_table import to_wire

JSON: Final = "application/json"

HTTP_STATUS: Final[Mapping[str, int]] = {
    "OK": 200,
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DATA_LOSS": 500,
    "UNAUTHENTICATED": 401,
}
"""The status for every gRPC status code, as google/rpc/code.proto has them."""

LEFT: Final = 499
"""Nobody sees it: the caller is gone."""

OWN_STATUS: Final[Mapping[type[Exception], int]] = {
    errors.RequestTooLargeError: 413,
    errors.WrongContentTypeError: 415,
    errors.SlowRequestError: 408,
    errors.ModelContractError: 500,
    errors.ModelAnswerError: 500,
    errors.ModelRejectedInputError: 500,
}
"""Where HTTP has a word of its own, or would blame the caller for what the model did."""

_CODES_OF_HTTP: Final[Mapping[int, int]] = {
    404: code_pb2.NOT_FOUND,
    405: code_pb2.UNIMPLEMENTED,
}


def error_response(error: Exception, request_id: str) -> Response:
    """The answer to a call that failed. Whatever is unknown tells nothing but the request's id."""
    wire = to_wire(error, request_id)
    status = status_pb2.Status.FromString(wire.details)
    headers = {REQUEST_ID_KEY: request_id, **_headers_for(status)}
    code = OWN_STATUS.get(type(error), HTTP_STATUS[wire.code.name])
    return Response(status_json(status), status_code=code, headers=headers, media_type=JSON)


def refusal(http_status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to what is no call: a wrong path or verb."""
    code = _CODES_OF_HTTP.get(http_status, code_pb2.UNKNOWN)
    status = status_pb2.Status(code=code, message=message)
    return Response(
        status_json(status), status_code=http_status, headers=dict(headers or {}), media_type=JSON
    )


def status_json(status: status_pb2.Status) -> str:
    """A status with its details as JSON."""
    return json_format.MessageToJson(status, indent=None)


def _headers_for(status: status_pb2.Status) -> dict[str, str]:
    if status.code == code_pb2.UNAUTHENTICATED:
        return {"www-authenticate": "Bearer"}
    pause = error_details_pb2.RetryInfo()
    for detail in status.details:
        if detail.Unpack(pause):
            seconds = pause.retry_delay.ToNanoseconds() / 1e9
            return {"retry-after": str(max(1, math.ceil(seconds)))}
    return {}
