"""How fast the model server works, so that a refused caller knows when to come back. Pure."""

from __future__ import annotations

from typing import Final

SHORTEST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 30.0
_WEIGHT_OF_NEWEST: Final = 0.1


class ThroughputEstimate:
    """A running average of tokens per second of one batch.

    Batches in flight beside each other are not added up, which errs towards longer pauses.
    """

    def __init__(self) -> None:
        self._tokens_per_s: float | None = None

    def add(self, *, tokens: int, seconds: float) -> None:
        """Counts a batch that took some seconds."""
        rate = tokens / max(seconds, 1e-6)
        if self._tokens_per_s is None:
            self._tokens_per_s = rate
        else:
            self._tokens_per_s += _WEIGHT_OF_NEWEST * (rate - self._tokens_per_s)

    def seconds_for(self, tokens: int) -> float:
        """How long the tokens take, 0.05 to 30 seconds; 1 second before the first batch ended."""
        if self._tokens_per_s is None:
            return 1.0
        return min(max(tokens / self._tokens_per_s, SHORTEST_PAUSE_S), LONGEST_PAUSE_S)
