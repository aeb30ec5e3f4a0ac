"""Where the time of one call goes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from service.call_record import note_stages
from service.domain.answers import Timings


class Stopwatch:
    """Measures one call from its arrival; monotonic, so that no clock change shows in it."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._tokenize_s = 0.0
        self._queue_s = 0.0
        self._model_s = 0.0

    @contextlib.contextmanager
    def tokenizing(self) -> Iterator[None]:
        """Counts the time inside as tokenizing."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._tokenize_s += time.perf_counter() - began

    def note(self, *, queue_s: float, model_s: float) -> None:
        """Takes a row's times into account; the longest count."""
        self._queue_s = max(self._queue_s, queue_s)
        self._model_s = max(self._model_s, model_s)

    def timings(self) -> Timings:
        """The times so far."""
        total_s = time.perf_counter() - self._began
        note_stages(tokenize_s=self._tokenize_s, queue_s=self._queue_s, model_s=self._model_s)
        return Timings(total_s, self._tokenize_s, self._queue_s, self._model_s)

    def metadata(self) -> dict[str, str]:
        """The times so far, for an error's details."""
        timings = self.timings()
        return {
            "total_s": f"{timings.total_s:.3f}",
            "tokenize_s": f"{timings.tokenize_s:.3f}",
        }
