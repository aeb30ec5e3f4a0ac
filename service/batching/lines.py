"""The lines that rows wait in: one per target, length bucket and priority. Pure."""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

BUCKET_BOUNDS: Final[tuple[int, ...]] = (
    *range(4, 32, 2),
    *range(32, 64, 4),
    *range(64, 128, 8),
    *range(128, 256, 16),
    *range(256, 513, 32),
)
"""Longest length of each bucket, in tokens; the last bucket has no bound."""


class WaitingRow(Protocol):
    """What the policy needs to know of a row. Rows are told apart by identity."""

    @property
    def target(self) -> Hashable:
        """Rows with equal targets may share a batch."""

    @property
    def model(self) -> str:
        """Whose row it is; models are treated fairly. Equal targets have equal models."""

    @property
    def length(self) -> int:
        """Tokens of the row, 1 or more."""

    @property
    def max_rows(self) -> int | None:
        """The most rows of its batch, if there is a limit; equal targets have equal ones."""

    @property
    def is_bulk(self) -> bool:
        """Whether interactive rows go first."""

    @property
    def arrival(self) -> float:
        """When the row came, in seconds."""

    @property
    def is_gone(self) -> bool:
        """Whether nobody waits for the row any more."""


Row = TypeVar("Row", bound=WaitingRow)


class Line(NamedTuple):
    """Which rows stand in a line."""

    is_bulk: bool
    bucket: int

    def distance(self, other: Line) -> tuple[bool, int]:
        """How late it is asked to fill a batch of another line: interactive rows go first."""
        return self.is_bulk, abs(self.bucket - other.bucket)


@dataclass(slots=True)
class TargetLines(Generic[Row]):
    """The lines of one target, and what waits in them without the rows that are gone.

    Attributes:
        model: Whose they are.
        max_rows: The most rows of a batch.
        lines: The rows, by line.
        rows: How many wait.
        tokens: Their tokens, without padding.
        bulk_tokens: Those of them that are of bulk rows.
    """

    model: str
    max_rows: int
    lines: dict[Line, deque[Row]] = field(default_factory=dict)
    rows: int = 0
    tokens: int = 0
    bulk_tokens: int = 0

    def count(self, row: Row, *, sign: int) -> None:
        """Counts a row in (1) or out (-1)."""
        self.rows += sign
        self.tokens += sign * row.length
        self.bulk_tokens += sign * row.length * row.is_bulk


def bucket_of(length: int) -> int:
    """The bucket of a length, counted from 0.

    Example:
        >>> [bucket_of(length) for length in (1, 4, 5, 6, 7)]
        [0, 0, 1, 1, 2]
    """
    return bisect.bisect_left(BUCKET_BOUNDS, length)


def bound_of(bucket: int) -> int:
    """The longest length of a bucket, in tokens."""
    return BUCKET_BOUNDS[min(bucket, len(BUCKET_BOUNDS) - 1)]
