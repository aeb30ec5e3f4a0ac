"""The pipeline: what every protocol calls."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Final, TypeVar

from service.backends.registry import ModelRegistry
from service.batching.batcher import Batcher
from service.domain.answers import Answer, TextResult, TokenizeAnswer
from service.domain.captions import CaptionAnswer, CaptionCall, CaptionedImage
from service.domain.classification import ClassifiedText, ClassifyAnswer, ClassifyCall
from service.domain.models import LoadedVersion, ModelSelector, ModelState, VersionKey
from service.domain.requests import GenerateCall, ScoreCall, TokenizeCall
from service.domain.streams import ManyAnswer, ManyCall, ManyInput, StreamCall, StreamEvent
from service.errors import InvalidRequestError, ModelAnswerError, VersionGoneError
from service.pipeline.cached_answers import CachedAnswers
from service.pipeline.captioning import caption_on, read_pictures
from service.pipeline.classifying import classify_on
from service.pipeline.field_paths import PATHS_OF_MANY, with_paths
from service.pipeline.generating import encode_prefix, generate_on
from service.pipeline.limits import check_bytes, check_characters, check_count
from service.pipeline.many import answer_many
from service.pipeline.patience import patiently
from service.pipeline.scoring import score_on
from service.pipeline.stopwatch import Stopwatch
from service.pipeline.streaming import check_stream, stream_on
from service.pipeline.tokenizing import check_total_characters, max_token_count, tokenize_on
from service.security.callers import current_caller
from service.settings import GatewaySettings

WorkOnVersion = Callable[[LoadedVersion, Sequence[int]], Awaitable[tuple[TextResult, ...]]]
"""Answers the texts at these places of a call with a version."""

Results = TypeVar("Results")

MOST_SWAPS: Final = 3
"""How often a call begins anew because the version that answered it was unloaded."""
CALLS_DECODING_PICTURES: Final = 2
"""How many calls have pictures decoded at once: a picture may need a hundred times its file."""


class InferencePipeline:
    """Answers calls.

    Args:
        registry: Knows the models.
        batcher: Takes rows to the model server.
        settings: Limits of a call.
        answers: Knows answers already; None: every text is worked on.
    """

    def __init__(
        self,
        registry: ModelRegistry,
        batcher: Batcher,
        *,
        settings: GatewaySettings,
        answers: CachedAnswers | None = None,
    ) -> None:
        self._registry = registry
        self._batcher = batcher
        self._settings = settings
        self._answers = answers or CachedAnswers()
        self._picture_room = asyncio.Semaphore(CALLS_DECODING_PICTURES)

    @property
    def is_ready(self) -> bool:
        """Whether at least one model can answer."""
        return any(state.is_ready for state in self._registry.states)

    def list_models(self) -> tuple[ModelState, ...]:
        """Every model that the caller may use, ordered by name."""
        caller = current_caller()
        return tuple(state for state in self._registry.states if caller.permits(state.name))

    def get_model(self, selector: ModelSelector) -> tuple[ModelState, LoadedVersion | None]:
        """One model, and the version asked for; None if none is ready and none was asked for.

        Raises:
            NotFoundError: The model is not served here, or has no such version ready.
            InvalidRequestError: No name was given and there are several models.
        """
        return self._registry.describe(selector)

    async def generate(self, call: GenerateCall) -> Answer:
        """Generates an output for every text.

        Raises:
            ServiceError: The call failed as a whole.
        """
        self._check_texts(call.texts, prefix=call.options.prefix)
        stopwatch = Stopwatch()

        async def work(version: LoadedVersion, places: Sequence[int]) -> tuple[TextResult, ...]:
            self._batcher.check_room(version.key.name, priority=call.priority)
            part = replace(call, texts=tuple(call.texts[place] for place in places))
            return await generate_on(version, part, batcher=self._batcher, stopwatch=stopwatch)

        return await self._answer(call, stopwatch, work)

    async def stream_generate(self, call: StreamCall) -> AsyncGenerator[StreamEvent]:
        """Generates an output for one text and tells of it while it grows. Close it to give up.

        Raises:
            ServiceError: The text, or a segment of it, could not be answered.
        """
        check_stream(call, self._settings)
        version = self._registry.resolve(call.model)
        self._batcher.check_room(version.key.name, priority=call.priority)
        has_sent = False
        try:
            async with aclosing(self._stream_on(version, call)) as events:
                async for event in events:
                    has_sent = True
                    yield event
            return
        except VersionGoneError:
            if has_sent:
                raise
            version = await self._registry.resolve_after(version.key, call.model)
        async with aclosing(self._stream_on(version, call)) as events:
            async for event in events:
                yield event

    def generate_many(
        self, call: ManyCall, inputs: AsyncIterator[ManyInput], *, ending: asyncio.Event
    ) -> AsyncGenerator[ManyAnswer]:
        """Generates an output for each of any number of texts. Close it to give up.

        Texts wait where there is no room for them; a text that cannot be answered has an error of
        its own. Each is answered by the newest version at that time, unless one is named.

        Args:
            call: How texts are answered; checked before this returns.
            inputs: The texts; only a bounded number is read ahead.
            ending: Is set when no more texts are to be read.

        Returns:
            The answers as they are ready. After the last one it raises a DrainingError if the
            gateway ends, or what kept the texts from being read.

        Raises:
            ServiceError: The model cannot answer such calls at all.
        """
        try:
            encode_prefix(call.options, self._registry.resolve(call.model))
        except InvalidRequestError as error:
            raise with_paths(error, PATHS_OF_MANY) from error

        async def answer_text(text: str) -> Answer:
            one = GenerateCall(call.model, (text,), call.options, call.deadline, call.priority)
            try:
                return await patiently(lambda: self.generate(one), deadline=call.deadline)
            except InvalidRequestError as error:
                raise with_paths(error, PATHS_OF_MANY) from error

        return answer_many(inputs, answer_text, window=self._settings.many_window, ending=ending)

    async def score(self, call: ScoreCall) -> Answer:
        """Scores every pair.

        Raises:
            ServiceError: The call failed as a whole.
        """
        check_count("pairs", len(call.pairs), self._settings.max_texts_per_call)
        fields = [
            f"pairs[{index}].{name}"
            for index in range(len(call.pairs))
            for name in ("source_text", "target_text")
        ]
        texts = [text for pair in call.pairs for text in (pair.source_text, pair.target_text)]
        self._check_characters(fields, texts)
        stopwatch = Stopwatch()

        async def work(version: LoadedVersion, places: Sequence[int]) -> tuple[TextResult, ...]:
            self._batcher.check_room(version.key.name, priority=call.priority)
            part = replace(call, pairs=tuple(call.pairs[place] for place in places))
            return await score_on(version, part, batcher=self._batcher, stopwatch=stopwatch)

        return await self._answer(call, stopwatch, work)

    async def classify(self, call: ClassifyCall) -> ClassifyAnswer:
        """Labels every text.

        Raises:
            ServiceError: The call failed as a whole.
        """
        self._check_texts(call.texts)
        stopwatch = Stopwatch()

        async def work(version: LoadedVersion) -> tuple[ClassifiedText, ...]:
            self._batcher.check_room(version.key.name, priority=call.priority)
            return await classify_on(version, call, batcher=self._batcher, stopwatch=stopwatch)

        key, results = await self._on_a_version(call.model, work)
        return ClassifyAnswer(key, results, stopwatch.timings())

    async def caption(self, call: CaptionCall) -> CaptionAnswer:
        """Writes an output for every picture.

        Raises:
            ServiceError: The call failed as a whole.
        """
        check_count("images", len(call.images), self._settings.max_texts_per_call)
        check_bytes("images", call.images, self._settings.max_image_bytes)
        self._check_characters(["options.prefix"], [call.options.prefix])
        stopwatch = Stopwatch()

        async def work(version: LoadedVersion) -> tuple[CaptionedImage, ...]:
            self._batcher.check_room(version.key.name, priority=call.priority)
            with stopwatch.tokenizing():
                pictures = await read_pictures(
                    version,
                    call,
                    max_pixels=self._settings.max_image_pixels,
                    room=self._picture_room,
                )
            return await caption_on(
                version, call, pictures, batcher=self._batcher, stopwatch=stopwatch
            )

        key, results = await self._on_a_version(call.model, work)
        return CaptionAnswer(key, results, stopwatch.timings())

    async def tokenize(self, call: TokenizeCall) -> TokenizeAnswer:
        """Splits every text into tokens. Texts may be longer than the model takes.

        Raises:
            ServiceError: The call breaks a limit, or its model is not ready.
        """
        self._check_texts(call.texts)
        check_total_characters(call.texts, self._settings.max_text_characters)
        version = self._registry.resolve(call.model)
        results = await tokenize_on(version, call.texts, call.side)
        return TokenizeAnswer(version.key, results, max_token_count(version, call.side))

    def _check_texts(self, texts: Sequence[str], *, prefix: str = "") -> None:
        check_count("texts", len(texts), self._settings.max_texts_per_call)
        fields = [f"texts[{index}]" for index in range(len(texts))]
        self._check_characters([*fields, "options.prefix"], [*texts, prefix])

    def _check_characters(self, fields: Sequence[str], texts: Sequence[str]) -> None:
        check_characters(fields, texts, self._settings.max_text_characters)

    async def _answer(
        self, call: GenerateCall | ScoreCall, stopwatch: Stopwatch, work: WorkOnVersion
    ) -> Answer:
        async def with_cache(version: LoadedVersion) -> tuple[TextResult, ...]:
            return await self._answers.answer(
                version.key, call, work=functools.partial(work, version), stopwatch=stopwatch
            )

        key, results = await self._on_a_version(call.model, with_cache)
        return Answer(key, results, stopwatch.timings())

    async def _on_a_version(
        self, selector: ModelSelector, work: Callable[[LoadedVersion], Awaitable[Results]]
    ) -> tuple[VersionKey, Results]:
        """Has one version answer the whole call; the next one if it is unloaded meanwhile."""
        version = self._registry.resolve(selector)
        for _ in range(MOST_SWAPS):
            try:
                return version.key, await self._work_on(version, work)
            except VersionGoneError:
                version = await self._registry.resolve_after(version.key, selector)
        return version.key, await self._work_on(version, work)

    async def _stream_on(
        self, version: LoadedVersion, call: StreamCall
    ) -> AsyncGenerator[StreamEvent]:
        events = stream_on(
            version,
            call,
            batcher=self._batcher,
            segments_ahead=self._settings.stream_segments_ahead,
        )
        with self._reporting_faults(version):
            async with aclosing(events):
                async for event in events:
                    yield event

    async def _work_on(
        self, version: LoadedVersion, work: Callable[[LoadedVersion], Awaitable[Results]]
    ) -> Results:
        with self._reporting_faults(version):
            return await work(version)

    @contextmanager
    def _reporting_faults(self, version: LoadedVersion) -> Iterator[None]:
        """Has a version tried again where an answer of it breaks the contract."""
        try:
            yield
        except ModelAnswerError:
            self._registry.report_broken_answer(version.key)
            raise
