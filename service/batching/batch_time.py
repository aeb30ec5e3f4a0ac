"""How long a batch takes, learnt from those that ended. Pure."""

from __future__ import annotations

import math
from typing import Final

_KEPT: Final = 0.97
"""What a batch counts after the next one: about the last 30 decide."""
_FEWEST: Final = 4
"""So many batches must count before anything is said."""
_LARGEST_JUMP: Final = 4.0
"""A batch counts as at most so many times what was expected: one stall teaches little."""
_BEYOND: Final = 2.0
"""Nothing is said of batches more than so many times as large as any seen of late."""


class BatchTime:
    """Seconds of a batch as a line over its padded tokens: `seconds = fixed + tokens * slope`.

    Fitted by least squares in which old batches fade; neither part is ever below 0. The very
    first batch is ignored, because models prepare their graphs for it.
    """

    def __init__(self) -> None:
        self._is_first = True
        self._weight = 0.0
        self._x = self._y = self._xx = self._xy = 0.0
        self._largest = 0.0

    def add(self, padded_tokens: int, seconds: float) -> None:
        """Counts a batch that was answered."""
        if self._is_first:
            self._is_first = False
            return
        if self._has_evidence:
            fixed, slope = self._line()
            larger = max(1.0, padded_tokens / self._largest)
            seconds = min(seconds, _LARGEST_JUMP * larger * (fixed + slope * padded_tokens))
        self._weight = self._weight * _KEPT + 1.0
        self._x = self._x * _KEPT + padded_tokens
        self._y = self._y * _KEPT + seconds
        self._xx = self._xx * _KEPT + padded_tokens * padded_tokens
        self._xy = self._xy * _KEPT + padded_tokens * seconds
        self._largest = max(self._largest * _KEPT, padded_tokens)

    def seconds_for(self, padded_tokens: int) -> float | None:
        """How long a batch takes; None without evidence: too few batches, or none so large."""
        if not self._has_evidence or padded_tokens > _BEYOND * self._largest:
            return None
        fixed, slope = self._line()
        return fixed + slope * padded_tokens

    @property
    def fixed_tokens(self) -> float | None:
        """Padded tokens that take as long as the fixed part; None without evidence."""
        if not self._has_evidence:
            return None
        fixed, slope = self._line()
        return fixed / slope if slope > 0 else math.inf

    @property
    def _has_evidence(self) -> bool:
        return self._weight >= _FEWEST * _KEPT**_FEWEST

    def _line(self) -> tuple[float, float]:
        mean_x, mean_y = self._x / self._weight, self._y / self._weight
        variance = self._xx / self._weight - mean_x * mean_x
        if variance <= 1e-9 * max(1.0, mean_x * mean_x):
            return mean_y, 0.0
        slope = max(0.0, (self._xy / self._weight - mean_x * mean_y) / variance)
        fixed = mean_y - slope * mean_x
        return (fixed, slope) if fixed >= 0 else (0.0, mean_y / mean_x)
