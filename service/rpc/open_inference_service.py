"""inference.GRPCInferenceService, the Open Inference Protocol: converts, calls, converts back."""

# ruff: noqa: N802, D102  (the methods carry the names of the proto, which says what they do)

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import grpc.aio

from heed.wire.inference import grpc_inference_pb2 as wire
from heed.wire.inference import grpc_inference_pb2_grpc as wire_grpc
from service.api.error_table import to_wire
from service.api.open_inference_answers import (
    write_config,
    write_infer,
    write_metadata,
    write_server_metadata,
)
from service.api.open_inference_requests import read_infer, read_model, renamed
from service.call_record import current_request_id
from service.domain.models import LoadedVersion, ModelState
from service.errors import InvalidRequestError, NotFoundError, ServiceError
from service.pipeline.inference import InferencePipeline

Context = grpc.aio.ServicerContext[Any, Any]


class OpenInferenceService(wire_grpc.GRPCInferenceServiceServicer):
    """Answers Triton's clients, and whoever else speaks the protocol.

    Args:
        pipeline: Does the work.
        ending: Is set when the gateway begins to end.
    """

    def __init__(self, pipeline: InferencePipeline, ending: asyncio.Event) -> None:
        self._pipeline = pipeline
        self._ending = ending

    async def ServerLive(
        self, request: wire.ServerLiveRequest, context: Context
    ) -> wire.ServerLiveResponse:
        return wire.ServerLiveResponse(live=True)

    async def ServerReady(
        self, request: wire.ServerReadyRequest, context: Context
    ) -> wire.ServerReadyResponse:
        is_ready = self._pipeline.is_ready and not self._ending.is_set()
        return wire.ServerReadyResponse(ready=is_ready)

    async def ModelReady(
        self, request: wire.ModelReadyRequest, context: Context
    ) -> wire.ModelReadyResponse:
        try:
            state, version = self._model(request.name, request.version)
        except NotFoundError:
            return wire.ModelReadyResponse(ready=False)
        return wire.ModelReadyResponse(ready=state.is_ready and version is not None)

    async def ServerMetadata(
        self, request: wire.ServerMetadataRequest, context: Context
    ) -> wire.ServerMetadataResponse:
        return write_server_metadata()

    async def ModelMetadata(
        self, request: wire.ModelMetadataRequest, context: Context
    ) -> wire.ModelMetadataResponse:
        state, _ = self._model(request.name, request.version)
        return write_metadata(state)

    async def ModelConfig(
        self, request: wire.ModelConfigRequest, context: Context
    ) -> wire.ModelConfigResponse:
        state, _ = self._model(request.name, request.version)
        return write_config(state)

    async def ModelInfer(
        self, request: wire.ModelInferRequest, context: Context
    ) -> wire.ModelInferResponse:
        return await self._infer(request, context)

    async def ModelStreamInfer(
        self, requests: AsyncIterator[wire.ModelInferRequest], context: Context
    ) -> AsyncGenerator[wire.ModelStreamInferResponse]:
        async for request in requests:
            response = wire.ModelStreamInferResponse()
            try:
                response.infer_response.CopyFrom(await self._infer(request, context))
            except ServiceError as error:
                response.error_message = to_wire(error, current_request_id()).message
                response.infer_response.id = request.id
            yield response

    def _model(self, name: str, version: str) -> tuple[ModelState, LoadedVersion | None]:
        try:
            return self._pipeline.get_model(read_model(name, version))
        except InvalidRequestError as error:
            raise renamed(error) from error

    async def _infer(
        self, request: wire.ModelInferRequest, context: Context
    ) -> wire.ModelInferResponse:
        call = read_infer(request, context.time_remaining())
        try:
            answer = await self._pipeline.generate(call.generate)
        except InvalidRequestError as error:
            raise renamed(error) from error
        return write_infer(call, answer, request.id)
