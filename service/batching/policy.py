"""Which of the waiting rows make the next batch. Pure: no clock, no asyncio, no tensors.

Rows wait in one line per target and length bucket. The line whose head has waited longest comes
first, so that no length starves; its neighbours fill what room is left.
"""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

BUCKET_BOUNDS: Final = (4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
"""Longest length of each bucket, in tokens; the last bucket has no bound."""


class WaitingRow(Protocol):
    """What the policy needs to know of a row."""

    @property
    def target(self) -> Hashable:
        """Rows with equal targets may share a batch."""

    @property
    def length(self) -> int:
        """Tokens of the row, 1 or more."""

    @property
    def arrival(self) -> float:
        """When the row came, in seconds."""

    @property
    def is_gone(self) -> bool:
        """Whether nobody waits for the row any more."""


Row = TypeVar("Row", bound=WaitingRow)


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """How large a batch may be.

    Attributes:
        max_tokens: The most padded tokens, rows x longest. A longer row travels alone.
        max_rows: The most rows.
        max_padding: The largest share of padding, 0 to 1, when rows of other buckets join.
    """

    max_tokens: int
    max_rows: int
    max_padding: float = 0.25


def bucket_of(length: int) -> int:
    """The bucket of a length, counted from 0.

    Example:
        >>> [bucket_of(length) for length in (1, 4, 5, 1000)]
        [0, 0, 1, 14]
    """
    return bisect.bisect_left(BUCKET_BOUNDS, length)


class WaitingRows(Generic[Row]):
    """Rows in the order of their arrival, taken out in batches.

    Not safe for use by several tasks at a time: one task owns it.
    """

    def __init__(self, limits: BatchLimits) -> None:
        self._limits = limits
        self._lines: dict[Hashable, dict[int, deque[Row]]] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, row: Row) -> None:
        """Puts a row at the end of its line."""
        lines = self._lines.setdefault(row.target, {})
        lines.setdefault(bucket_of(row.length), deque()).append(row)

    def take_batch(self) -> list[Row]:
        """Takes the next batch out. Rows that are gone are dropped; empty if no other is left."""
        self._drop_gone()
        oldest = min(self._heads(), key=lambda head: head[2].arrival, default=None)
        if oldest is None:
            return []
        target, bucket, _ = oldest
        batch = self._fill(self._lines[target], bucket)
        self._drop_gone()
        return batch

    def _heads(self) -> Iterator[tuple[Hashable, int, Row]]:
        for target, lines in self._lines.items():
            for bucket, line in lines.items():
                yield target, bucket, line[0]

    def _fill(self, lines: dict[int, deque[Row]], bucket: int) -> list[Row]:
        batch: list[Row] = []
        longest, tokens = 0, 0
        for other in sorted(lines, key=lambda candidate: abs(candidate - bucket)):
            line = lines[other]
            while line and self._fits(len(batch), max(longest, line[0].length)):
                row = line[0]
                if row.is_gone:
                    line.popleft()
                    continue
                padded = (len(batch) + 1) * max(longest, row.length)
                waste = 1 - (tokens + row.length) / padded
                if other != bucket and waste > self._limits.max_padding:
                    break
                batch.append(line.popleft())
                longest, tokens = max(longest, row.length), tokens + row.length
        return batch

    def _fits(self, row_count: int, longest: int) -> bool:
        if row_count == 0:
            return True
        is_small = (row_count + 1) * longest <= self._limits.max_tokens
        return is_small and row_count < self._limits.max_rows

    def _drop_gone(self) -> None:
        """Removes rows that are gone from the heads of the lines, then empty lines."""
        for target, lines in list(self._lines.items()):
            for bucket, line in list(lines.items()):
                while line and line[0].is_gone:
                    line.popleft()
                if not line:
                    del lines[bucket]
            if not lines:
                del self._lines[target]
