"""How fast rows come and how fast they are answered. Pure: the time is always an argument."""

from __future__ import annotations

import math
from typing import Final

SHORTEST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 30.0
PAUSE_WITHOUT_EVIDENCE_S: Final = 1.0

_NEWEST_GAP: Final = 0.2
"""What the newest gap between arrivals counts in their average."""
_MEMORY_S: Final = 3.0
"""Busy seconds after which what was answered counts 1/e."""
_SLOWEST: Final = 4.0
"""A batch counts as at most so many times slower than the rate so far."""
_FEWEST_BATCHES: Final = 3


class ArrivalRate:
    """Rows a second, from the gaps between arrivals. One long gap is enough to forget a rush."""

    def __init__(self) -> None:
        self._gap_s: float | None = None
        self._rows = 1.0
        self.last_arrival: float | None = None

    def note(self, rows: int, now: float) -> None:
        """Rows came together."""
        if self.last_arrival is not None:
            gap_s = max(0.0, now - self.last_arrival)
            if self._gap_s is None:
                self._gap_s = gap_s
            self._gap_s += _NEWEST_GAP * (gap_s - self._gap_s)
        self._rows += _NEWEST_GAP * (rows - self._rows)
        self.last_arrival = now

    def rows_per_s(self, now: float) -> float:
        """The rate; 0 before the second arrival. It falls while nobody comes."""
        if self._gap_s is None or self.last_arrival is None:
            return 0.0
        return self._rows / max(self._gap_s, now - self.last_arrival, 1e-6)


class DrainRate:
    """Tokens answered a second, over the time in which there was something to answer.

    A stall counts as a slow batch and not as what it took, or calls would be refused for long
    after it.
    """

    def __init__(self) -> None:
        self._tokens = 0.0
        self._busy_s = 0.0
        self._batches = 0
        self._in_flight = 0
        self._since = 0.0
        self._pending_s = 0.0

    def began(self, now: float) -> None:
        """A batch was sent."""
        self._pass_to(now)
        self._in_flight += 1

    def ended(self, tokens: int, now: float) -> None:
        """A batch ended; `tokens` were answered."""
        self._pass_to(now)
        self._in_flight -= 1
        if not tokens:
            return
        rate = self.tokens_per_s()
        seconds = self._pending_s
        if rate is not None:
            seconds = min(seconds, _SLOWEST * tokens / rate)
        kept = math.exp(-seconds / _MEMORY_S)
        self._tokens = self._tokens * kept + tokens
        self._busy_s = self._busy_s * kept + seconds
        self._batches += 1
        self._pending_s = 0.0

    def tokens_per_s(self) -> float | None:
        """The rate; None before a few batches ended."""
        if self._batches < _FEWEST_BATCHES:
            return None
        return self._tokens / max(self._busy_s, 1e-6)

    def _pass_to(self, now: float) -> None:
        if self._in_flight:
            self._pending_s += max(0.0, now - self._since)
        self._since = now


class Pauses:
    """When refused callers should come back: one after the other, as room becomes free."""

    def __init__(self) -> None:
        self._promised = 0.0
        self._promised_at = 0.0

    def next_pause_s(
        self, *, tokens: int, excess: int, tokens_per_s: float | None, now: float
    ) -> float:
        """The pause of a caller who is refused now, 0.05 to 30 seconds.

        Args:
            tokens: Tokens of the call.
            excess: Tokens that must be answered before there is room for it.
            tokens_per_s: How fast tokens are answered; None if that is not known.
            now: The time, in seconds.
        """
        if tokens_per_s is None:
            return PAUSE_WITHOUT_EVIDENCE_S
        passed = tokens_per_s * max(0.0, now - self._promised_at)
        ahead = max(0.0, self._promised - passed)
        pause_s = (excess + ahead) / tokens_per_s
        self._promised_at = now
        self._promised = min(ahead + tokens, LONGEST_PAUSE_S * tokens_per_s)
        return min(max(pause_s, SHORTEST_PAUSE_S), LONGEST_PAUSE_S)
