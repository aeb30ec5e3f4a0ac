"""Where the time of one call goes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager

from service import tracing
from service.call_record import StageTimes, note_stages
from service.domain.answers import Timings


class Stopwatch:
    """Measures one call from its arrival; monotonic, so that no clock change shows in it.

    No moment counts for two stages, so the stages add up to at most the total.
    """

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._tokenize_s = 0.0
        self._queue_s = 0.0
        self._model_s = 0.0
        self._heads_s = 0.0
        self._detokenize_s = 0.0
        self._attention_s = 0.0
        self._cached_result_count = 0

    def tokenizing(self) -> AbstractContextManager[None]:
        """Counts the time inside as turning texts into tokens."""
        return self._counting("_tokenize_s")

    def detokenizing(self) -> AbstractContextManager[None]:
        """Counts the time inside as turning tokens into texts."""
        return self._counting("_detokenize_s")

    def shaping_attention(self) -> AbstractContextManager[None]:
        """Counts the time inside as spreading attention to words, and aligning."""
        return self._counting("_attention_s")

    @contextlib.contextmanager
    def adding_heads(self) -> Iterator[None]:
        """Counts the time inside as the pass for every head: its queue and its model too."""
        queue_s, model_s = self._queue_s, self._model_s
        try:
            with self._counting("_heads_s"):
                yield
        finally:
            self._queue_s, self._model_s = queue_s, model_s

    def note(self, *, queue_s: float, model_s: float) -> None:
        """Adds the times of the row that was answered last, of rows that ran side by side."""
        self._queue_s += queue_s
        self._model_s += model_s

    def note_cached(self, result_count: int) -> None:
        """Counts results that were there already, or were being made for another call."""
        self._cached_result_count += result_count

    def timings(self) -> Timings:
        """The times so far."""
        total_s = time.perf_counter() - self._began
        stages = {
            "tokenize_s": self._tokenize_s,
            "queue_s": self._queue_s,
            "model_s": self._model_s,
            "heads_s": self._heads_s,
            "detokenize_s": self._detokenize_s,
            "attention_s": self._attention_s,
        }
        note_stages(StageTimes(**stages))
        return Timings(total_s=total_s, cached_result_count=self._cached_result_count, **stages)

    def metadata(self) -> dict[str, str]:
        """The times so far, for an error's details."""
        timings = self.timings()
        return {
            "total_s": f"{timings.total_s:.3f}",
            "tokenize_s": f"{timings.tokenize_s:.3f}",
        }

    @contextlib.contextmanager
    def _counting(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            with tracing.stage(stage.strip("_").removesuffix("_s")):
                yield
        finally:
            setattr(self, stage, getattr(self, stage) + time.perf_counter() - began)
