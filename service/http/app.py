"""The HTTP application: its routes, and what every answer has."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.api.call_gate import CallGate
from service.api.entrance import REQUEST_ID_KEY, Entrance
from service.http.calls import Endpoint
from service.http.errors import error_response, refusal
from service.http.explorer import explorer_routes
from service.http.hosts import KnownHosts, names_of
from service.http.methods import METHODS
from service.http.pages import Pages, openapi
from service.http.requests import GRPC_TIMEOUT_HEADER, TIMEOUT_HEADER
from service.metrics import Metrics
from service.pipeline.inference import InferencePipeline
from service.settings import GatewaySettings

logger = logging.getLogger(__name__)

SMALLEST_COMPRESSED_BYTES: Final = 4096
_COMPRESSION_LEVEL: Final = 1  # nearly as small as higher levels, at a fraction of the time
_CORS_MAX_AGE_S: Final = 600


@dataclass(frozen=True, slots=True)
class HttpParts:
    """What the HTTP surface stands on.

    Attributes:
        pipeline: Does the work.
        entrance: Lets calls in.
        gate: Is shut before the gateway ends.
        metrics: What was measured.
    """

    pipeline: InferencePipeline
    entrance: Entrance
    gate: CallGate
    metrics: Metrics


def make_app(settings: GatewaySettings, parts: HttpParts) -> Starlette:
    """The application, to be run by a server."""
    pages = Pages(parts.pipeline, parts.entrance, gate=parts.gate, metrics=parts.metrics)
    return Starlette(
        routes=[
            *_call_routes(settings, parts),
            Route("/healthz", pages.alive),
            Route("/readyz", pages.ready),
            Route("/metrics", pages.metrics),
            Route("/openapi.json", openapi),
            *explorer_routes(),
        ],
        middleware=_middleware(settings),
        exception_handlers={HTTPException: _refuse, Exception: _fail},
    )


def _call_routes(settings: GatewaySettings, parts: HttpParts) -> list[Route]:
    routes = []
    for method in METHODS:
        for path in method.paths:
            endpoint = Endpoint(
                method, path, parts.pipeline, parts.entrance, settings.max_message_bytes
            )
            routes.append(Route(path.template, endpoint, methods=[method.verb]))
    return routes


def _middleware(settings: GatewaySettings) -> list[Middleware]:
    found = []
    names = names_of(settings.host, settings.http_allowed_host)
    if names is not None:
        found.append(Middleware(KnownHosts, names=names))
    if settings.http_cors_origin:
        found.append(_cors(settings.http_cors_origin))
    compression = Middleware(
        GZipMiddleware,
        minimum_size=SMALLEST_COMPRESSED_BYTES,
        compresslevel=_COMPRESSION_LEVEL,
    )
    return [*found, compression]


def _cors(origins: Sequence[str]) -> Middleware:
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=[
            *("content-type", "authorization", "x-api-key", "traceparent"),
            *(REQUEST_ID_KEY, TIMEOUT_HEADER, GRPC_TIMEOUT_HEADER),
        ],
        expose_headers=[REQUEST_ID_KEY, "retry-after"],
        max_age=_CORS_MAX_AGE_S,
    )


async def _refuse(request: Request, error: Exception) -> Response:
    """What is no call: a wrong path or verb."""
    if not isinstance(error, HTTPException):
        return await _fail(request, error)
    headers = dict(error.headers or {})
    if error.status_code == 405 and request.method == "OPTIONS":
        return Response(status_code=204, headers=headers)
    return refusal(error.status_code, _message(request, error), headers)


def _message(request: Request, error: HTTPException) -> str:
    allowed = (error.headers or {}).get("Allow", "")
    if error.status_code == 404:
        return "there is nothing at this path; /openapi.json lists what there is"
    if error.status_code == 405:
        return f"the method must be {' or '.join(sorted(allowed.split(', ')))} at this path"
    return error.detail


async def _fail(request: Request, error: Exception) -> Response:
    logger.error("an answer over HTTP failed", exc_info=error)
    return error_response(error, "")
