"""What each address of the REST API answers, without HTTP around it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format

from model_server.calls import Calls, EntryPoint
from model_server.messages import get_model_metadata_pb2, get_model_status_pb2
from model_server.metrics import ServerMetrics
from model_server.rest.json_input import InputTypes, fill_request, new_request, parse_body
from model_server.rest.json_output import encode_outputs
from model_server.servables.servable import DEFAULT_SIGNATURE
from model_server.status import Code, StatusError

_JSON, _TEXT = "application/json", "text/plain"
_MODEL = r"/v1/models/(?P<model>[^/:]+)(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_PREDICT = re.compile(rf"(?i){_MODEL}:(?P<method>classify|regress|predict)")
_ABOUT = re.compile(rf"(?i){_MODEL}(?P<metadata>/metadata)?")
_STATUS_WITHOUT_MODEL = re.compile(r"(?i)/v1/models")
_MAX_VERSION = 2**63 - 1
_HTTP_STATUS: Mapping[Code, int] = {
    Code.CANCELLED: 499,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.UNAUTHENTICATED: 401,
}
_OTHER_FAILURES = 500


@dataclass(frozen=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: The HTTP status.
        content_type: What the body is.
        body: The body.
    """

    status: int
    content_type: str
    body: bytes


class Routes:
    """The addresses of the REST API.

    Args:
        calls: What they answer.
        metrics: Counts requests, and fills the metrics' page.
        metrics_path: Where that page is; None: nowhere.
        timeout_ms: Stop a run after this long, 1 or more.
    """

    def __init__(
        self, calls: Calls, metrics: ServerMetrics, *, metrics_path: str | None, timeout_ms: int
    ) -> None:
        self._calls = calls
        self._metrics = metrics
        self._metrics_path = metrics_path
        self._timeout_ms = timeout_ms

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Answers one request; failures are answers too."""
        if method == "GET" and path == self._metrics_path:
            return Answer(200, _TEXT, self._metrics.exposition().encode())
        if not path.lower().startswith("/v1/"):
            return Answer(404, _JSON, _error("Not found"))
        try:
            return Answer(200, _JSON, self._answer(method, path, body))
        except StatusError as error:
            status = _HTTP_STATUS.get(error.code, _OTHER_FAILURES)
            return Answer(status, _JSON, _error(error.message))

    def _answer(self, method: str, path: str, body: bytes) -> bytes:
        malformed = StatusError(Code.INVALID_ARGUMENT, f"Malformed request: {method} {path}")
        if method == "POST":
            found = _PREDICT.fullmatch(path)
            if found is None:
                raise malformed
            with self._calls.counted(found["model"]):
                return self._post(found, body)
        found = _ABOUT.fullmatch(path) if method == "GET" else None
        if found is None:
            if _STATUS_WITHOUT_MODEL.fullmatch(path):
                raise StatusError(Code.INVALID_ARGUMENT, "Missing model name in request.")
            raise malformed
        with self._calls.counted(found["model"]):
            return self._metadata(found) if found["metadata"] else self._status(found)

    def _post(self, found: re.Match[str], body: bytes) -> bytes:
        if (method := found["method"].lower()) != "predict":
            raise StatusError(
                Code.UNIMPLEMENTED, f"{method} is not supported by the local model server"
            )
        request = new_request(found["model"])
        _set_version(request.model_spec, found)
        form = fill_request(
            parse_body(body), request, lambda key: self._input_types(request.model_spec, key)
        )
        return self._calls.predict(
            request,
            lambda servable, prediction: encode_outputs(prediction.outputs, form),
            timeout_ms=self._timeout_ms,
            entry_point=EntryPoint.REST,
        )

    def _input_types(self, model_spec: Any, key: str) -> InputTypes:
        wanted = key or DEFAULT_SIGNATURE
        with self._calls.registry.lease(model_spec) as servable:
            if wanted not in servable.signatures:
                raise StatusError(
                    Code.INVALID_ARGUMENT,
                    f'Serving signature name: "{wanted}" not found in signature def',
                )
            return servable.signatures[wanted].input_types

    def _status(self, found: re.Match[str]) -> bytes:
        request = get_model_status_pb2.GetModelStatusRequest()
        request.model_spec.name = found["model"]
        _set_version(request.model_spec, found)
        return _json(self._calls.model_status(request))

    def _metadata(self, found: re.Match[str]) -> bytes:
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = found["model"]
        _set_version(request.model_spec, found)
        response = self._calls.model_metadata(request)
        signatures = get_model_metadata_pb2.SignatureDefMap.FromString(
            response.metadata["signature_def"].value
        )
        return b'{\n"model_spec": %s,\n"metadata": {"signature_def": %s}\n}\n' % (
            _json(response.model_spec),
            _json(signatures),
        )


def _set_version(model_spec: Any, found: re.Match[str]) -> None:
    if version := found["version"]:
        if int(version) > _MAX_VERSION:
            raise StatusError(
                Code.INVALID_ARGUMENT, f"Failed to convert version: {version} to numeric."
            )
        model_spec.version.value = int(version)
    elif found["label"]:
        model_spec.version_label = found["label"]


def _json(message: Any) -> bytes:
    text = json_format.MessageToJson(
        message,
        indent=1,
        preserving_proto_field_name=True,
        always_print_fields_with_no_presence=True,
    )
    return text.encode()


def _error(message: str) -> bytes:
    return json.dumps({"error": message}, indent=4, ensure_ascii=False).encode(
        errors="surrogateescape"
    )
