"""Bulk work without gRPC: what is under way, whose answer comes next, what follows a failure."""

from __future__ import annotations

import random
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
from heed.client.requests import check_unicode
from heed.client.results import GenerateResult


class Pause(Enum):
    """What an iterable of texts yields when it has none at hand and must wait for the next."""

    PAUSE = "pause"


PAUSE: Final = Pause.PAUSE
"""Among the texts of bulk work: answer what came so far, then ask for the next text."""

_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 2.0
_FIELD_OF_TEXT: Final = "input.text"


@dataclass(frozen=True, slots=True)
class BulkSettings:
    """How much of the work of `generate_many` is under way, and so in memory, at once.

    Attributes:
        texts_in_flight: The most texts that are read and whose answers are not taken yet,
            1 or more.
        characters_in_flight: No more texts are read while these have so many characters together.

    Raises:
        ValueError: A number is below 1.
    """

    texts_in_flight: int = 256
    characters_in_flight: int = 400_000

    def __post_init__(self) -> None:
        for name in ("texts_in_flight", "characters_in_flight"):
            value = getattr(self, name)
            if value < 1:
                raise ValueError(f"{name} is {value}; it must be 1 or more")


class BulkWork:
    """The texts under way, and their answers until it is their turn.

    Args:
        settings: How much may be under way.
    """

    def __init__(self, settings: BulkSettings) -> None:
        self._settings = settings
        self._texts: dict[int, str] = {}
        self._outcomes: dict[int, GenerateResult | HeedError] = {}
        self._character_count = 0
        self._count = 0
        self._next = 0

    @property
    def is_full(self) -> bool:
        """Whether answers have to be taken before another text is read."""
        return (
            len(self._texts) >= self._settings.texts_in_flight
            or self._character_count >= self._settings.characters_in_flight
        )

    @property
    def is_done(self) -> bool:
        """Whether every text was answered and every answer taken."""
        return not self._texts

    @property
    def has_failed(self) -> bool:
        """Whether a text is at fault: the work ends with it."""
        return any(isinstance(outcome, HeedError) for outcome in self._outcomes.values())

    @property
    def unanswered(self) -> list[tuple[int, str]]:
        """The texts that wait for an answer, in order, each with its place in the work."""
        return [(i, text) for i, text in self._texts.items() if i not in self._outcomes]

    def add(self, text: str) -> int | None:
        """Takes a text.

        Returns:
            Its place in the work, counted from 0; None if it cannot be sent, which is its outcome.

        Raises:
            TypeError: It is no string.
        """
        index = self._count
        error: HeedError | None = None
        try:
            check_unicode(f"texts[{index}]", text)
        except InvalidRequestError as invalid:
            error = invalid
        self._count += 1
        self._texts[index] = text
        self._character_count += len(text)
        if error is None:
            return index
        self.settle(index, error)
        return None

    def text(self, index: int) -> str | None:
        """The text at a place; None if it was answered before."""
        return self._texts.get(index) if index not in self._outcomes else None

    def settle(self, index: int, outcome: GenerateResult | HeedError) -> None:
        """Notes what became of a text."""
        if isinstance(outcome, InvalidRequestError):
            outcome = _located(outcome, index)
        self._outcomes[index] = outcome

    def ready(self) -> Iterator[GenerateResult]:
        """The answers whose turn it is.

        Raises:
            HeedError: It is the turn of a text that cannot be answered.
        """
        while self._next in self._outcomes:
            outcome = self._outcomes.pop(self._next)
            if isinstance(outcome, HeedError):
                self._outcomes[self._next] = outcome
                raise outcome
            self._character_count -= len(self._texts.pop(self._next))
            self._next += 1
            yield outcome


class Recovery:
    """Decides what follows a failure that is no text's own.

    An overloaded or unavailable gateway is asked again, after the pause that it names or a
    growing one of our own, until `timeout_s` have passed since the last answer. A gateway that
    never answered anything is not waited for.

    Args:
        timeout_s: How long to go on, in seconds.
        clock: Seconds that never go back.
    """

    def __init__(self, timeout_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._timeout_s = timeout_s
        self._clock = clock
        self._has_answered = False
        self._give_up_at: float | None = None
        self._next_pause_s = _FIRST_PAUSE_S

    def answered(self) -> None:
        """Notes that the gateway answered a text."""
        self._has_answered = True
        self._give_up_at = None
        self._next_pause_s = _FIRST_PAUSE_S

    def pause_after(self, error: HeedError) -> float:
        """How long to wait before asking again, in seconds.

        Raises:
            HeedError: The error, if asking again does not help.
        """
        if not self._may_retry(error):
            raise error
        pause_s = self._pause_s(error)
        if self._give_up_at is None:
            self._give_up_at = self._clock() + self._timeout_s
        if self._clock() + pause_s > self._give_up_at:
            raise error
        return pause_s

    def _may_retry(self, error: HeedError) -> bool:
        if isinstance(error, UnreachableError):
            return self._has_answered
        return is_passing(error)

    def _pause_s(self, error: HeedError) -> float:
        if error.retry_delay_s is not None:
            return error.retry_delay_s
        pause_s = self._next_pause_s
        self._next_pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        return pause_s * random.uniform(0.5, 1.0)  # callers turned away together return apart


def is_passing(error: HeedError) -> bool:
    """Whether the same question may be answered later."""
    return isinstance(error, OverloadedError | UnavailableError)


async def each_of(
    texts: Iterable[str | Pause] | AsyncIterable[str | Pause],
) -> AsyncIterator[str | Pause]:
    """The texts, whether they come asynchronously or not."""
    if isinstance(texts, AsyncIterable):
        async for text in texts:
            yield text
        return
    for text in texts:
        yield text


def _located(error: InvalidRequestError, index: int) -> InvalidRequestError:
    """The error of a text, named by its place in the whole work."""
    path = f"texts[{index}]"
    named = [
        FieldViolation(path if each.field == _FIELD_OF_TEXT else each.field, each.description)
        for each in error.field_violations
    ]
    own = tuple(violation for violation in named if violation.field == path)
    if not own:
        return error
    message = "; ".join(f"{violation.field}: {violation.description}" for violation in own)
    details = replace(error.details, field_violations=own)
    return InvalidRequestError(message, details, text_index=index)
