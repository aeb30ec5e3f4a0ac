"""The client for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self, overload

import grpc.aio

from heed.client.async_many import answer_in_order
from heed.client.base_client import BaseClient
from heed.client.bulk import Pause
from heed.client.calls import Answer, Call
from heed.client.caption_messages import Picture, Pictures
from heed.client.captioned import CaptionResult
from heed.client.classified import ClassifyResult
from heed.client.requests import GenerateOptions
from heed.client.results import AttentionLevel, GenerateResult, Model, ModelVersion, ScoreResult
from heed.client.streams import StreamEvent
from heed.client.tokenized import TextSide, TokenizedText


class AsyncClient(BaseClient):
    """Asks a Heed gateway from an event loop. Methods, arguments and errors are those of `Client`.

    Make it inside the running loop. Cancelling a task cancels its call at the gateway.

    Example:
        async with AsyncClient() as client:
            first, second = await client.generate(["attention", "chicago"])
    """

    _grpc: ClassVar = grpc.aio

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
        options = GenerateOptions(model, attention, max_length, min_length, prefix)
        return await self._answer(self._calls.generate(texts, options))

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
        options = GenerateOptions(model, attention, max_length, min_length, prefix)
        call = self._calls.stream_generate(
            text, options, split_sentences=split_sentences, chunk_tokens=chunk_tokens
        )
        return self._stream(call)

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
        options = GenerateOptions(model, attention, max_length, min_length, prefix)
        return answer_in_order(self._bulk_call(options), texts)

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
        call = self._calls.score(source, target, model=model, attention=attention)
        return await self._answer(call)

    @overload
    async def classify(
        self,
        texts: str,
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_labels: int | None = None,
    ) -> ClassifyResult: ...

    @overload
    async def classify(
        self,
        texts: list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_labels: int | None = None,
    ) -> list[ClassifyResult]: ...

    async def classify(
        self,
        texts: str | list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_labels: int | None = None,
    ) -> ClassifyResult | list[ClassifyResult]:
        """Gives a text its labels, or several texts in one call; see `Client.classify`."""
        call = self._calls.classify(texts, model=model, attention=attention, max_labels=max_labels)
        return await self._answer(call)

    @overload
    async def caption(
        self,
        images: Picture,
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_length: int | None = None,
        min_length: int | None = None,
        prefix: str = "",
    ) -> CaptionResult: ...

    @overload
    async def caption(
        self,
        images: list[bytes] | list[str] | list[Path] | list[Picture] | tuple[Picture, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_length: int | None = None,
        min_length: int | None = None,
        prefix: str = "",
    ) -> list[CaptionResult]: ...

    async def caption(
        self,
        images: Pictures,
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_length: int | None = None,
        min_length: int | None = None,
        prefix: str = "",
    ) -> CaptionResult | list[CaptionResult]:
        """Writes a text for a picture, or for several; see `Client.caption`."""
        options = GenerateOptions(
            model=model,
            attention=attention,
            max_length=max_length,
            min_length=min_length,
            prefix=prefix,
        )
        return await self._answer(self._calls.caption(images, options))

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
        return await self._answer(self._calls.tokenize(texts, model=model, side=side))

    async def models(self) -> list[Model]:
        """The models that the gateway serves, ordered by name."""
        return await self._answer(self._calls.models())

    async def model(self, name: str | ModelVersion = "") -> Model:
        """One model: by name, by name and version, or the gateway's only one."""
        return await self._answer(self._calls.model(name))

    async def _answer(self, call: Call[Answer]) -> Answer:
        with self._heed_errors():
            return call.read(await self._begin(call))

    async def _stream(self, call: Call[Answer]) -> AsyncIterator[Answer]:
        stream = self._begin(call)
        try:
            with self._heed_errors():
                async for message in stream:
                    yield call.read(message)
        finally:
            stream.cancel()
