"""Answering one text in pieces: segment by segment, and each while it grows.

The segment whose turn it is grows before the reader's eyes. A few behind it are answered ahead of
their turn, each in one go, so they cost no more than by themselves.
"""

from __future__ import annotations

import asyncio
import functools
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Final

from heed.text.sentences import TextSpan, split_sentences
from service.batching.batcher import Batcher
from service.domain.models import LoadedVersion
from service.domain.requests import GenerateCall
from service.domain.streams import FinishedSegment, PartialHypothesis, StreamCall, StreamEvent
from service.errors import InvalidRequestError
from service.pipeline.decoding_runs import Decoding
from service.pipeline.field_paths import PATHS_OF_STREAM, with_paths
from service.pipeline.generating import generate_on
from service.pipeline.growing import GrowingDecoding, PatientDecoding, read_partial
from service.pipeline.limits import check_characters
from service.pipeline.row_outputs import RowHypothesis
from service.pipeline.segments import fit_segments
from service.pipeline.stopwatch import Stopwatch
from service.pipeline.tokens import source_tokens
from service.pipeline.unknown_words import UnknownWords
from service.settings import GatewaySettings

_LONG_TEXT: Final = 4_000
"""Texts with more characters are split in a thread, so that others' calls go on."""


def check_stream(call: StreamCall, settings: GatewaySettings) -> None:
    """Checks a call before any work is spent on it.

    Raises:
        InvalidRequestError: A text is too long, or a number too small.
    """
    is_split = call.split_sentences
    limit = settings.max_stream_characters if is_split else settings.max_text_characters
    check_characters(["text"], [call.text], limit)
    check_characters(["options.prefix"], [call.options.prefix], settings.max_text_characters)
    if call.chunk_tokens < 1:
        raise InvalidRequestError.of("chunk_tokens", f"must be 1 or more, got {call.chunk_tokens}")


async def stream_on(
    version: LoadedVersion, call: StreamCall, *, batcher: Batcher, segments_ahead: int
) -> AsyncGenerator[StreamEvent]:
    """Answers a text with one version. Close it to give the work up.

    Args:
        version: What answers.
        call: What is asked.
        batcher: Takes rows to the model server.
        segments_ahead: How many segments are answered ahead of their turn.

    Raises:
        ServiceError: A segment could not be answered; those before it have been.
    """
    spans = await _segments(call, version)
    runs: deque[_SegmentRun] = deque()
    started = 0
    try:
        for index, span in enumerate(spans):
            while started < len(spans) and len(runs) <= segments_ahead:
                run = _SegmentRun(
                    version,
                    call,
                    span=spans[started],
                    batcher=batcher,
                    grows=started == index,
                    is_first=started == 0,
                )
                runs.append(run)
                started += 1
            async for what in runs[0].events():
                yield StreamEvent(version.key, index, len(spans), span.begin, span.end, what)
            runs.popleft()
    finally:
        for run in runs:
            run.cancel()
        await asyncio.gather(*(run.ended() for run in runs))


async def _segments(call: StreamCall, version: LoadedVersion) -> Sequence[TextSpan]:
    if not call.split_sentences:
        return [TextSpan(0, len(call.text))]
    if len(call.text) > _LONG_TEXT:
        return await asyncio.to_thread(_split, call.text, version)
    return _split(call.text, version)


def _split(text: str, version: LoadedVersion) -> Sequence[TextSpan]:
    """The segments of a text, at least one."""
    sentences, tokenizer = split_sentences(text), version.source_tokenizer
    segments = fit_segments(
        text, sentences, tokenizer=tokenizer, max_tokens=version.contract.max_source_tokens
    )
    return list(segments) or [TextSpan(0, 0)]


class _SegmentRun:
    """A segment on its way to its answer.

    It remembers the newest partial output alone: a slow reader misses some and costs no memory.

    Args:
        version: What answers.
        call: What is asked.
        span: The segment.
        batcher: Takes rows to the model server.
        grows: Whether partial outputs are wanted.
        is_first: Whether the stream is not admitted yet.
    """

    def __init__(
        self,
        version: LoadedVersion,
        call: StreamCall,
        *,
        span: TextSpan,
        batcher: Batcher,
        grows: bool,
        is_first: bool,
    ) -> None:
        self._version = version
        self._call = GenerateCall(
            call.model, (span.of(call.text),), call.options, call.deadline, call.priority
        )
        self._batcher = batcher
        self._newest: PartialHypothesis | None = None
        self._changed = asyncio.Event()
        decode: Decoding = PatientDecoding(call.deadline)
        if grows:
            decode = GrowingDecoding(
                call.chunk_tokens,
                self._note_growth,
                deadline=call.deadline,
                waits_for_room=not is_first,
            )
        self._task = asyncio.create_task(self._answer(decode), name="segment of a stream")
        self._task.add_done_callback(lambda _: self._changed.set())

    async def events(self) -> AsyncIterator[PartialHypothesis | FinishedSegment]:
        """What happens until the segment is answered."""
        while not self._task.done():
            await self._changed.wait()
            self._changed.clear()
            newest, self._newest = self._newest, None
            if newest is not None and not self._task.done():
                yield newest
        yield self._task.result()

    def cancel(self) -> None:
        """Gives the work up."""
        self._task.cancel()

    async def ended(self) -> None:
        """Waits for the end, whatever it is."""
        await asyncio.gather(self._task, return_exceptions=True)

    async def _answer(self, decode: Decoding) -> FinishedSegment:
        stopwatch = Stopwatch()
        try:
            (result,) = await generate_on(
                self._version, self._call, batcher=self._batcher, stopwatch=stopwatch, decode=decode
            )
        except InvalidRequestError as error:
            raise with_paths(error, PATHS_OF_STREAM) from error
        return FinishedSegment(result, stopwatch.timings())

    @functools.cached_property
    def _unknown_words(self) -> UnknownWords | None:
        """What stands for unknown tokens; None if nothing does."""
        if not self._call.options.replace_unknown:
            return None
        (text,) = self._call.texts
        tokens = source_tokens(self._version.source_tokenizer.encode(text))
        return UnknownWords.of(self._version, text, tokens)

    def _note_growth(self, hypothesis: RowHypothesis) -> None:
        tokenizer = self._version.target_tokenizer
        self._newest = read_partial(hypothesis, tokenizer, self._unknown_words)
        self._changed.set()
