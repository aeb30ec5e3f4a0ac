"""Calls whose texts or answers come in pieces, free of any protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from service.domain.answers import Answer, TextResult, Timings, Token
from service.domain.models import ModelSelector, VersionKey
from service.domain.requests import GenerateOptions, Priority
from service.errors import ServiceError

DEFAULT_CHUNK_TOKENS: Final = 8
"""Tokens of the first partial output."""


@dataclass(frozen=True, slots=True)
class StreamCall:
    """A text whose output is wanted while it grows.

    Attributes:
        model: Which model.
        text: The text.
        options: Options for every segment.
        split_sentences: Whether the text is split into sentences.
        chunk_tokens: How many tokens the first partial output has beyond the prefix.
        deadline: When the answer is of no use any more, on the event loop's clock in seconds.
        priority: How urgent it is.
    """

    model: ModelSelector
    text: str
    options: GenerateOptions
    split_sentences: bool = False
    chunk_tokens: int = DEFAULT_CHUNK_TOKENS
    deadline: float | None = None
    priority: Priority = Priority.INTERACTIVE


@dataclass(frozen=True, slots=True)
class PartialHypothesis:
    """The beginning of an output.

    Attributes:
        text: The output so far; never ends within a character.
        tokens: The tokens that `text` holds.
        stable_end: How much of `text` stays as it is, in Unicode code points.
    """

    text: str
    tokens: tuple[Token, ...]
    stable_end: int


@dataclass(frozen=True, slots=True)
class FinishedSegment:
    """The answer to a segment, and where its time went."""

    result: TextResult
    timings: Timings


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """Something that happened to the output of a segment.

    Attributes:
        model: The version that answers the whole stream.
        segment_index: Which segment, from 0.
        segment_count: How many there are.
        begin: Where the segment begins in the text, in Unicode code points.
        end: Where it ends (exclusive).
        what: It grew, or it is finished.
    """

    model: VersionKey
    segment_index: int
    segment_count: int
    begin: int
    end: int
    what: PartialHypothesis | FinishedSegment


@dataclass(frozen=True, slots=True)
class ManyCall:
    """How the texts of bulk work are answered.

    Attributes:
        model: Which model; each text is answered by the newest version unless one is named.
        options: Options for all texts.
        deadline: When answers are of no use any more, on the event loop's clock in seconds.
        priority: How urgent it is.
    """

    model: ModelSelector
    options: GenerateOptions
    deadline: float | None = None
    priority: Priority = Priority.BULK


@dataclass(frozen=True, slots=True)
class ManyInput:
    """A text of bulk work, and its caller's name for it."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class ManyAnswer:
    """What became of a text: its answer, or why there is none."""

    id: str
    outcome: Answer | ServiceError
