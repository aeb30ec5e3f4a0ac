"""Answers kept for like requests, bounded by the memory that they take."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from typing import Final, Protocol

from service.domain.answers import Attention, Hypothesis, TextResult
from service.domain.models import VersionKey
from service.domain.requests import TextPair
from service.domain.signatures import FloatArray
from service.pipeline.memory_size import memory_size

ENTRY_BYTES: Final = 400
"""What an entry takes in the table itself, its part of the hash tables included."""


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """Everything that an answer depends on.

    Attributes:
        version: The version that answers; never "the newest".
        question: The text, or the pair to score.
        options: Every option, those of scoring unlike any of generating.
    """

    version: VersionKey
    question: str | TextPair
    options: Hashable


class CacheObserver(Protocol):
    """Hears what becomes of the cache."""

    def hit(self, count: int = 1) -> None:
        """Answers were found."""

    def miss(self, count: int = 1) -> None:
        """Answers were not found."""

    def shared(self, count: int = 1) -> None:
        """Answers come from like requests under way."""

    def evicted(self, count: int = 1) -> None:
        """Answers were removed."""

    def holds(self, *, size_bytes: int, entries: int) -> None:
        """What the cache holds now."""


@dataclass(frozen=True, slots=True)
class _Entry:
    result: TextResult
    size_bytes: int


class AnswerCache:
    """Keeps the answers that were asked for last, and never more than `max_bytes` of them.

    Only answers of versions that are ready are kept. Arrays are copied first, since those of an
    answer are cut out of the memory of a whole batch.

    Args:
        max_bytes: The most memory that keys and answers take together.
        observer: Hears of hits and evictions, and of what the cache holds.
    """

    def __init__(self, max_bytes: int, observer: CacheObserver) -> None:
        self._max_bytes = max_bytes
        self.observer = observer
        self._entries: OrderedDict[AnswerKey, _Entry] = OrderedDict()
        self._versions: frozenset[VersionKey] = frozenset()
        self._size_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size_bytes(self) -> int:
        """What keys and answers take, in bytes."""
        return self._size_bytes

    def get(self, key: AnswerKey) -> TextResult | None:
        """The answer, if it is here; it counts as asked for just now."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry.result

    def put(self, key: AnswerKey, result: TextResult) -> None:
        """Keeps an answer, and drops those that were not asked for longest to make room for it.

        An answer that is larger than the whole cache is not kept, nor is that of a version that
        is not ready (any more).
        """
        if key.version not in self._versions:
            return
        kept = _with_own_arrays(result)
        size_bytes = memory_size(key, kept) + ENTRY_BYTES
        self._remove(key)
        if size_bytes <= self._max_bytes:
            evicted = 0
            while self._size_bytes + size_bytes > self._max_bytes:
                self._remove(next(iter(self._entries)))
                evicted += 1
            self._entries[key] = _Entry(kept, size_bytes)
            self._size_bytes += size_bytes
            self.observer.evicted(evicted)
        self._report()

    def keep_versions(self, versions: Collection[VersionKey]) -> None:
        """Keeps answers of these versions alone from now on, and drops all others."""
        self._versions = frozenset(versions)
        gone = [key for key in self._entries if key.version not in self._versions]
        for key in gone:
            self._remove(key)
        self.observer.evicted(len(gone))
        self._report()

    def _remove(self, key: AnswerKey) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._size_bytes -= entry.size_bytes

    def _report(self) -> None:
        self.observer.holds(size_bytes=self._size_bytes, entries=len(self._entries))


def _with_own_arrays(result: TextResult) -> TextResult:
    return dataclasses.replace(result, hypotheses=tuple(map(_own_hypothesis, result.hypotheses)))


def _own_hypothesis(hypothesis: Hypothesis) -> Hypothesis:
    if hypothesis.attention is None:
        return hypothesis
    return dataclasses.replace(hypothesis, attention=_own_attention(hypothesis.attention))


def _own_attention(attention: Attention) -> Attention:
    heads = tuple(dataclasses.replace(head, weights=_own(head.weights)) for head in attention.heads)
    return dataclasses.replace(attention, weights=_own(attention.weights), heads=heads)


def _own(weights: FloatArray) -> FloatArray:
    copy = weights.copy()
    copy.flags.writeable = False
    return copy
