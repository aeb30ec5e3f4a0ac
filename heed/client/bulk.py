"""Bulk work without gRPC: how texts are split into calls, and what follows a failed call."""

from __future__ import annotations

import random
import re
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from heed.client.errors import (
    FieldViolation,
    HeedError,
    InvalidRequestError,
    OverloadedError,
    UnavailableError,
    UnreachableError,
)
from heed.client.requests import check_texts


class Pause(Enum):
    """What an iterable of texts yields when it has none at hand and must wait for the next."""

    PAUSE = "pause"


PAUSE: Final = Pause.PAUSE
"""Among the texts of bulk work: answer what came so far, then ask for the next text."""

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
_TEXT_FIELD = re.compile(r"^texts\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class BulkSettings:
    """How `generate_many` splits its work. At most the product of the first two is in memory.

    Attributes:
        texts_per_call: Texts in one call, 1 or more; the gateway takes 256 unless configured.
        calls_in_flight: Calls under way at once, 1 or more.
        characters_per_call: A call is sent when its texts have this many characters together.

    Raises:
        ValueError: A number is below 1.
    """

    texts_per_call: int = 64
    calls_in_flight: int = 4
    characters_per_call: int = 200_000

    def __post_init__(self) -> None:
        for name in ("texts_per_call", "calls_in_flight", "characters_per_call"):
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f"{name} is {value}; it must be 1 or more")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Texts that travel in one call.

    Attributes:
        first_index: Which text of the whole work comes first, counted from 0.
        texts: The texts; may be empty if there is an error.
        error: Raised after the answers to `texts`: what is wrong with the text that follows.
        is_before_pause: Whether everything is answered before further texts are read.
    """

    first_index: int
    texts: tuple[str, ...]
    error: HeedError | None = None
    is_before_pause: bool = False

    def finish(self) -> bool:
        """Says, once the texts are answered, whether there were any.

        Raises:
            HeedError: `error`, which stands behind the texts.
        """
        if self.error is not None:
            raise self.error
        return bool(self.texts)


class Chunker:
    """Collects texts until they fill a call."""

    def __init__(self, settings: BulkSettings) -> None:
        self._settings = settings
        self._first_index = 0
        self._texts: list[str] = []
        self._character_count = 0

    def add(self, text: str | Pause) -> Chunk | None:
        """Takes a text; returns a chunk if the text fills it, or cannot be sent.

        Args:
            text: The text, or PAUSE, which always ends a chunk, also one without texts.

        Raises:
            TypeError: The text is not a string.
        """
        if text is PAUSE:
            return replace(self._take(), is_before_pause=True)
        try:
            check_texts("texts", [text])
        except InvalidRequestError as error:
            return self._take(_with_index(error, self._first_index + len(self._texts)))
        self._texts.append(text)
        self._character_count += len(text)
        is_full = (
            len(self._texts) >= self._settings.texts_per_call
            or self._character_count >= self._settings.characters_per_call
        )
        return self._take() if is_full else None

    def rest(self) -> Chunk | None:
        """The texts that are left, if there are any."""
        return self._take() if self._texts else None

    def _take(self, error: HeedError | None = None) -> Chunk:
        chunk = Chunk(self._first_index, tuple(self._texts), error)
        self._first_index += len(self._texts)
        self._texts, self._character_count = [], 0
        return chunk


def chunks(texts: Iterable[str | Pause], settings: BulkSettings) -> Iterator[Chunk]:
    """Splits texts into chunks, lazily. A chunk with an error is the last."""
    chunker = Chunker(settings)
    for text in texts:
        chunk = chunker.add(text)
        if chunk is not None:
            yield chunk
            if chunk.error is not None:
                return
    chunk = chunker.rest()
    if chunk is not None:
        yield chunk


async def chunks_of(
    texts: Iterable[str | Pause] | AsyncIterable[str | Pause],
    settings: BulkSettings,
) -> AsyncIterator[Chunk]:
    """As `chunks`, for texts that may come asynchronously."""
    if not isinstance(texts, AsyncIterable):
        for chunk in chunks(texts, settings):
            yield chunk
        return
    chunker = Chunker(settings)
    async for text in texts:
        full = chunker.add(text)
        if full is not None:
            yield full
            if full.error is not None:
                return
    rest = chunker.rest()
    if rest is not None:
        yield rest


@dataclass(frozen=True, slots=True)
class Retry:
    """What to send again, and after which pause in seconds."""

    chunk: Chunk
    pause_s: float


class Recovery:
    """Decides what follows the failed call of one chunk.

    An overloaded or unavailable gateway is asked again, after the pause that it names or a
    growing one of our own, until `timeout_s` have passed since the first failure. A gateway that
    never answered anything is not waited for. If one text is at fault, those before it are
    answered first.

    Args:
        timeout_s: How long to go on, in seconds.
        has_answered: Whether the gateway answered an earlier call of the same work.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        timeout_s: float,
        *,
        has_answered: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timeout_s = timeout_s
        self._has_answered = has_answered
        self._clock = clock
        self._give_up_at: float | None = None
        self._next_pause_s = _FIRST_PAUSE_S

    def after(self, chunk: Chunk, error: HeedError) -> Retry:
        """What to do after `error`.

        Raises:
            HeedError: The error, if asking again does not help.
        """
        if isinstance(error, InvalidRequestError):
            return Retry(_before_bad_text(chunk, error), pause_s=0.0)
        if not self._may_retry(error):
            raise error
        pause_s = self._pause_s(error)
        if self._give_up_at is None:
            self._give_up_at = self._clock() + self._timeout_s
        if self._clock() + pause_s > self._give_up_at:
            raise error
        return Retry(chunk, pause_s)

    def _may_retry(self, error: HeedError) -> bool:
        if isinstance(error, UnreachableError):
            return self._has_answered
        return isinstance(error, OverloadedError | UnavailableError)

    def _pause_s(self, error: HeedError) -> float:
        if error.retry_delay_s is not None:
            return error.retry_delay_s
        pause_s = self._next_pause_s
        self._next_pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        return pause_s * random.uniform(0.5, 1.0)  # callers turned away together return apart


def _before_bad_text(chunk: Chunk, error: InvalidRequestError) -> Chunk:
    """The texts before the one at fault; raises if there are none, or no text is at fault."""
    indices = [
        int(match[1])
        for violation in error.field_violations
        if (match := _TEXT_FIELD.match(violation.field))
    ]
    if not indices or min(indices) >= len(chunk.texts):
        raise error
    bad = min(indices)
    located = _with_index(error, chunk.first_index + bad, old_index=bad)
    if bad == 0:
        raise located from error
    return Chunk(chunk.first_index, chunk.texts[:bad], located)


def _with_index(
    error: InvalidRequestError, text_index: int, *, old_index: int = 0
) -> InvalidRequestError:
    """The error for the first text at fault, named by its place in the whole work."""
    violations = tuple(
        FieldViolation(
            violation.field.replace(f"texts[{old_index}]", f"texts[{text_index}]", 1),
            violation.description,
        )
        for violation in error.field_violations
        if violation.field.startswith(f"texts[{old_index}]")
    )
    message = "; ".join(f"{violation.field}: {violation.description}" for violation in violations)
    details = replace(error.details, field_violations=violations)
    return InvalidRequestError(message, details, text_index=text_index)
