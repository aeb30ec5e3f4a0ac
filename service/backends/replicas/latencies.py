"""What calls usually take, so that long ones can be told from slow ones. Pure."""

from __future__ import annotations

import bisect
import collections
import math
from collections.abc import Hashable
from typing import Final

from service.domain.signatures import PredictTarget

MAX_KINDS: Final = 1024
"""Kinds of calls remembered; the one seen first is forgotten for the next one."""
WINDOW: Final = 512
"""Calls from which percentiles are read."""
FEWEST_FOR_PERCENTILE: Final = 50
_WEIGHT: Final = 0.1


def kind_of(target: PredictTarget, tokens: int) -> Hashable:
    """Calls of one kind take about as long: the same work, within a factor of two in size."""
    return (target.model, target.signature, target.outputs, tokens.bit_length())


class TypicalLatencies:
    """Knows what each kind of call usually takes, over all model servers.

    A call's *slowness* is ln(seconds / typical seconds of its kind): 0 for a usual one.
    """

    def __init__(self) -> None:
        self._typical: dict[Hashable, float] = {}
        self._recent: collections.deque[float] = collections.deque(maxlen=WINDOW)
        self._sorted: list[float] = []

    def note(self, kind: Hashable, seconds: float) -> float:
        """Learns from an answered call; returns its slowness, 0.0 for the first of its kind."""
        value = math.log(max(seconds, 1e-6))
        typical = self._typical.get(kind)
        if typical is None:
            if len(self._typical) >= MAX_KINDS:
                del self._typical[next(iter(self._typical))]
            self._typical[kind] = value
            return 0.0
        self._typical[kind] = typical + _WEIGHT * (value - typical)
        self._remember(value - typical)
        return value - typical

    def percentile_s(self, kind: Hashable, percentile: float) -> float | None:
        """What so many percent of the calls of a kind stay below, in seconds.

        None until enough is known. The spread is taken from all kinds, the middle from this one.
        """
        typical = self._typical.get(kind)
        if typical is None or len(self._sorted) < FEWEST_FOR_PERCENTILE:
            return None
        index = min(int(len(self._sorted) * percentile / 100), len(self._sorted) - 1)
        return math.exp(typical + self._sorted[index])

    def _remember(self, slowness: float) -> None:
        if len(self._recent) == WINDOW:
            del self._sorted[bisect.bisect_left(self._sorted, self._recent[0])]
        self._recent.append(slowness)
        bisect.insort(self._sorted, slowness)
