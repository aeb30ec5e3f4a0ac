"""heed.v1.InferenceService: each method converts, calls the pipeline, converts back."""

# ruff: noqa: N802  (the methods carry the names of the proto)

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc.aio

from heed.v1 import inference_pb2, inference_pb2_grpc
from service.api.caption_messages import read_caption, write_caption
from service.api.classify_messages import read_classify, write_classify
from service.api.deadlines import deadline_after
from service.api.from_messages import read_generate, read_score, read_selector
from service.api.stream_messages import (
    read_many_config,
    read_many_inputs,
    read_stream_generate,
    write_many_answer,
    write_stream_event,
)
from service.api.to_messages import write_generate, write_model, write_models, write_score
from service.api.tokenize_messages import read_tokenize, write_tokenize
from service.call_record import current_request_id
from service.pipeline.inference import InferencePipeline

Context = grpc.aio.ServicerContext[Any, Any]


class InferenceService(inference_pb2_grpc.InferenceServiceServicer):
    """Answers calls over gRPC.

    Args:
        pipeline: Does the work.
        ending: Is set when the gateway begins to end.
    """

    def __init__(self, pipeline: InferencePipeline, ending: asyncio.Event) -> None:
        self._pipeline = pipeline
        self._ending = ending

    async def Generate(
        self, request: inference_pb2.GenerateRequest, context: Context
    ) -> inference_pb2.GenerateResponse:
        """Generates an output for every text."""
        call = read_generate(request, _deadline_of(context))
        return write_generate(await self._pipeline.generate(call))

    async def StreamGenerate(
        self, request: inference_pb2.StreamGenerateRequest, context: Context
    ) -> AsyncGenerator[inference_pb2.StreamGenerateResponse]:
        """Generates an output for one text and sends it while it grows."""
        call = read_stream_generate(request, _deadline_of(context))
        async with aclosing(self._pipeline.stream_generate(call)) as events:
            async for event in events:
                yield write_stream_event(event)

    async def GenerateMany(
        self, requests: AsyncIterator[inference_pb2.GenerateManyRequest], context: Context
    ) -> AsyncGenerator[inference_pb2.GenerateManyResponse]:
        """Generates outputs for any number of texts."""
        first = await anext(requests, None)
        if first is None:
            return
        call = read_many_config(first, _deadline_of(context))
        answers = self._pipeline.generate_many(
            call, read_many_inputs(requests), ending=self._ending
        )
        # Says that texts are welcome; who waits for this before sending any learns of a refusal.
        await context.send_initial_metadata(())
        async with aclosing(answers):
            async for answer in answers:
                yield write_many_answer(answer, current_request_id())

    async def Score(
        self, request: inference_pb2.ScoreRequest, context: Context
    ) -> inference_pb2.ScoreResponse:
        """Scores given target texts."""
        call = read_score(request, _deadline_of(context))
        return write_score(await self._pipeline.score(call))

    async def Classify(
        self, request: inference_pb2.ClassifyRequest, context: Context
    ) -> inference_pb2.ClassifyResponse:
        """Gives every text its labels."""
        call = read_classify(request, _deadline_of(context))
        return write_classify(await self._pipeline.classify(call))

    async def Caption(
        self, request: inference_pb2.CaptionRequest, context: Context
    ) -> inference_pb2.CaptionResponse:
        """Writes an output for every picture."""
        call = read_caption(request, _deadline_of(context))
        return write_caption(await self._pipeline.caption(call))

    async def Tokenize(
        self, request: inference_pb2.TokenizeRequest, context: Context
    ) -> inference_pb2.TokenizeResponse:
        """Splits texts into tokens."""
        return write_tokenize(await self._pipeline.tokenize(read_tokenize(request)))

    async def ListModels(
        self, request: inference_pb2.ListModelsRequest, context: Context
    ) -> inference_pb2.ListModelsResponse:
        """Lists the models."""
        return write_models(self._pipeline.list_models())

    async def GetModel(
        self, request: inference_pb2.GetModelRequest, context: Context
    ) -> inference_pb2.GetModelResponse:
        """Describes one model."""
        return write_model(*self._pipeline.get_model(read_selector(request.model)))


def _deadline_of(context: Context) -> float | None:
    """When the answer must leave, on the event loop's clock; None if the caller waits for ever."""
    remaining_s: float | None = context.time_remaining()
    return deadline_after(remaining_s)
