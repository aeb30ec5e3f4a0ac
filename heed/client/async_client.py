"""The client for asyncio."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from types import TracebackType
from typing import Any, Self, overload

import grpc
import grpc.aio

from heed.client import conversion
from heed.client.access import Tls
from heed.client.answer_options import AnswerOptions
from heed.client.async_many import answer_in_order
from heed.client.bulk import BulkSettings, Pause
from heed.client.channel import check_api_key, check_settings, open_async_channel
from heed.client.classify_calls import AsyncClassifyCalls
from heed.client.errors import HeedError
from heed.client.many import BulkCall
from heed.client.many_messages import config_request
from heed.client.priority import Priority, priority_of
from heed.client.requests import (
    GenerateOptions,
    score_pairs,
    score_request,
    selector,
    tokenize_request,
)
from heed.client.results import (
    AttentionLevel,
    GenerateResult,
    Model,
    ModelVersion,
    ScoreResult,
)
from heed.client.search import BeamSearch, Sampling
from heed.client.status import heed_error
from heed.client.streams import StreamEvent, stream_event, stream_request
from heed.client.tokenized import TextSide, TokenizedText
from heed.defaults import DEFAULT_ADDRESS, DEFAULT_TIMEOUT_S
from heed.v1 import inference_pb2
from heed.v1.inference_pb2_grpc import InferenceServiceStub


class AsyncClient(AsyncClassifyCalls):
    """Asks a Heed gateway from an event loop. Methods, arguments and errors are those of `Client`.

    Make it inside the running loop. Cancelling a task cancels its call at the gateway.

    Args:
        address: Where the gateway listens, HOST:PORT.
        timeout_s: How long one call may take, in seconds.
        bulk: How much of the work of `generate_many` is under way at once.
        tls: Encrypts the connection, and checks the gateway's certificate; None: neither.
        api_key: Sent with every call, over TLS or to this machine alone.

    Raises:
        ValueError: The address is empty, the time is not above 0, or the key cannot be sent.
        OSError: A file of `tls` cannot be read.

    Example:
        async with AsyncClient() as client:
            first, second = await client.generate(["attention", "chicago"])
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        bulk: BulkSettings | None = None,
        tls: Tls | None = None,
        api_key: str | None = None,
    ) -> None:
        check_settings(address, timeout_s)
        check_api_key(api_key, address, tls)
        self._address = address
        self._timeout_s = timeout_s
        self._bulk = bulk or BulkSettings()
        self._search: BeamSearch | Sampling | None = None
        self._priority: Priority | None = None
        self._answers: AnswerOptions | None = None
        self._channel = open_async_channel(address, tls, api_key)
        self._stub = InferenceServiceStub(self._channel)  # type: ignore[no-untyped-call]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection and every call under way. Closing again does nothing."""
        await self._channel.close()

    def with_search(self, search: BeamSearch | Sampling | None) -> Self:
        """This client with another way to search for outputs; see `Client.with_search`."""
        other = copy.copy(self)
        other._search = search
        return other

    def with_answers(self, answers: AnswerOptions | None) -> Self:
        """This client with more told in its answers; see `Client.with_answers`."""
        other = copy.copy(self)
        other._answers = answers
        return other

    def with_priority(self, priority: Priority | str) -> Self:
        """This client with another priority for every call; see `Client.with_priority`."""
        other = copy.copy(self)
        other._priority = priority_of(priority)
        return other

    @overload
    async def generate(
        self,
        texts: str,
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_length: int | None = None,
        min_length: int | None = None,
        prefix: str = "",
    ) -> GenerateResult: ...

    @overload
    async def generate(
        self,
        texts: list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_length: int | None = None,
        min_length: int | None = None,
        prefix: str = "",
    ) -> list[GenerateResult]: ...

    async def generate(
        self,
        texts: str | list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_length: int | None = None,
        min_length: int | None = None,
        prefix: str = "",
    ) -> GenerateResult | list[GenerateResult]:
        """Answers a text, or several in one call; see `Client.generate`."""
        priority = self._priority or Priority.INTERACTIVE
        options = GenerateOptions(
            model,
            attention,
            max_length,
            min_length,
            prefix,
            search=self._search,
            priority=priority,
            answers=self._answers,
        )
        asked = (texts,) if isinstance(texts, str) else tuple(texts)
        response = await self._call(self._stub.Generate, options.request(asked))
        results = conversion.generate_results(asked, response)
        return results[0] if isinstance(texts, str) else results

    def stream_generate(  # noqa: PLR0913  (the arguments of `generate`, and two of its own)
        self,
        text: str,
        *,
        split_sentences: bool = False,
        chunk_tokens: int | None = None,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_length: int | None = None,
        min_length: int | None = None,
        prefix: str = "",
    ) -> AsyncIterator[StreamEvent]:
        """Answers a text and tells of the output while it grows; see `Client.stream_generate`."""
        options = GenerateOptions(
            model,
            attention,
            max_length,
            min_length,
            prefix,
            search=self._search,
            priority=self._priority or Priority.INTERACTIVE,
            answers=self._answers,
        )
        request = stream_request(
            text, options, split_sentences=split_sentences, chunk_tokens=chunk_tokens
        )
        return self._stream_generate(text, request)

    def generate_many(
        self,
        texts: Iterable[str | Pause] | AsyncIterable[str | Pause],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_length: int | None = None,
        min_length: int | None = None,
        prefix: str = "",
    ) -> AsyncIterator[GenerateResult]:
        """Answers any number of texts, in order; see `Client.generate_many`."""
        priority = self._priority or Priority.BULK
        options = GenerateOptions(
            model,
            attention,
            max_length,
            min_length,
            prefix,
            search=self._search,
            priority=priority,
            answers=self._answers,
        )
        call = BulkCall(
            method=self._stub.GenerateMany,
            config=config_request(options),
            address=self._address,
            timeout_s=self._timeout_s,
            settings=self._bulk,
        )
        return answer_in_order(call, texts)

    @overload
    async def score(
        self,
        source: str,
        target: str,
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
    ) -> ScoreResult: ...

    @overload
    async def score(
        self,
        source: list[str] | tuple[str, ...],
        target: list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
    ) -> list[ScoreResult]: ...

    async def score(
        self,
        source: str | list[str] | tuple[str, ...],
        target: str | list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
    ) -> ScoreResult | list[ScoreResult]:
        """Scores a target text given its source, or several of both; see `Client.score`."""
        pairs = score_pairs(source, target)
        priority = self._priority or Priority.INTERACTIVE
        request = score_request(
            pairs, model=model, attention=attention, priority=priority, answers=self._answers
        )
        response = await self._call(self._stub.Score, request)
        results = conversion.score_results([text for text, _ in pairs], response)
        return results[0] if isinstance(source, str) else results

    @overload
    async def tokenize(
        self,
        texts: str,
        *,
        model: str | ModelVersion = "",
        side: TextSide | str = TextSide.SOURCE,
    ) -> TokenizedText: ...

    @overload
    async def tokenize(
        self,
        texts: list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        side: TextSide | str = TextSide.SOURCE,
    ) -> list[TokenizedText]: ...

    async def tokenize(
        self,
        texts: str | list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        side: TextSide | str = TextSide.SOURCE,
    ) -> TokenizedText | list[TokenizedText]:
        """Splits a text into the tokens of a model, or several; see `Client.tokenize`."""
        asked = (texts,) if isinstance(texts, str) else tuple(texts)
        request = tokenize_request(asked, model=model, side=side)
        response = await self._call(self._stub.Tokenize, request)
        results = conversion.tokenized_texts(asked, response)
        return results[0] if isinstance(texts, str) else results

    async def models(self) -> list[Model]:
        """The models that the gateway serves, ordered by name."""
        response = await self._call(self._stub.ListModels, inference_pb2.ListModelsRequest())
        return [conversion.model(message) for message in response.models]

    async def model(self, name: str | ModelVersion = "") -> Model:
        """One model: by name, by name and version, or the gateway's only one."""
        request = inference_pb2.GetModelRequest(model=selector(name))
        response = await self._call(self._stub.GetModel, request)
        return conversion.model(response.model)

    async def _stream_generate(
        self, text: str, request: inference_pb2.StreamGenerateRequest
    ) -> AsyncIterator[StreamEvent]:
        call = self._stub.StreamGenerate(request, timeout=self._timeout_s)
        try:
            async for message in call:
                yield stream_event(text, message)
        except grpc.RpcError as error:
            raise self._heed_error(error) from error
        finally:
            call.cancel()

    async def _call(self, method: Any, request: object) -> Any:
        try:
            return await method(request, timeout=self._timeout_s)
        except grpc.RpcError as error:
            raise self._heed_error(error) from error

    def _heed_error(self, error: grpc.RpcError) -> HeedError:
        return heed_error(error, address=self._address, timeout_s=self._timeout_s)
