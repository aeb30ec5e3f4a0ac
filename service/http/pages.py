"""Pages for operators: is it alive, is it ready, what did it measure."""

from __future__ import annotations

import asyncio
import functools
import json

from starlette.requests import Request
from starlette.responses import Response

from service.api.call_gate import CallGate
from service.api.entrance import Entrance, request_id_of
from service.domain.models import ModelState
from service.errors import UnauthenticatedError
from service.http.errors import JSON, error_response
from service.metrics import Metrics
from service.pipeline.inference import InferencePipeline


class Pages:
    """Answers what is no call of the API.

    Where API keys are asked for, whoever has none learns whether the gateway is alive and ready,
    but neither its models nor its metrics.

    Args:
        pipeline: Knows the models.
        entrance: Knows the keys.
        gate: Is shut before the gateway ends.
        metrics: What was measured.
    """

    def __init__(
        self,
        pipeline: InferencePipeline,
        entrance: Entrance,
        *,
        gate: CallGate,
        metrics: Metrics,
    ) -> None:
        self._pipeline = pipeline
        self._entrance = entrance
        self._gate = gate
        self._metrics = metrics

    async def alive(self, request: Request) -> Response:
        """GET /healthz: the process answers."""
        return _json({"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """GET /readyz: 200 while at least one model can answer, else 503; each model's reason."""
        states = self._pipeline.list_models()
        is_ready = any(state.is_ready for state in states) and not self._gate.is_shut
        body = {
            "ready": is_ready,
            "message": "the gateway is ending" if self._gate.is_shut else "",
            "models": [_readiness(state) for state in states if self._has_key(request)],
        }
        return _json(body, 200 if is_ready else 503)

    async def metrics(self, request: Request) -> Response:
        """GET /metrics: for Prometheus, with `authorization` in its configuration."""
        try:
            self._entrance.check_key(request.headers)
        except UnauthenticatedError as error:
            return error_response(error, request_id_of(request.headers))
        accept = request.headers.get("accept", "")
        text, content_type = await asyncio.to_thread(self._metrics.exposition, accept)
        return Response(text, headers={"content-type": content_type})

    def _has_key(self, request: Request) -> bool:
        try:
            self._entrance.check_key(request.headers)
        except UnauthenticatedError:
            return False
        return True


async def openapi(request: Request) -> Response:
    """GET /openapi.json: what there is."""
    return Response(_openapi_text(), media_type=JSON)


@functools.cache
def _openapi_text() -> str:
    from service.http.openapi import openapi_document

    return json.dumps(openapi_document(), ensure_ascii=False)


def _readiness(state: ModelState) -> dict[str, object]:
    return {
        "name": state.name,
        "ready": state.is_ready,
        "readyVersions": [str(version) for version in state.version_numbers],
        "statusMessage": state.status_message,
    }


def _json(body: object, status_code: int = 200) -> Response:
    headers = {"cache-control": "no-store"}
    text = json.dumps(body, ensure_ascii=False)
    return Response(text, status_code=status_code, headers=headers, media_type=JSON)
