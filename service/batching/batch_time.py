"""How long a batch takes, learnt from those that ended. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from service.domain.signatures import Array

_KEPT: Final = 0.97
"""What a batch counts after the next one: about the last 30 decide."""
_FEWEST: Final = 4
"""So many batches must count before anything is said."""
_LARGEST_JUMP: Final = 4.0
"""A batch counts as at most so many times what was expected: one stall teaches little."""
_BEYOND: Final = 2.0
"""Nothing is said of batches more than so many times as large as any seen of late."""
_RIDGE: Final = 1e-9


class BatchSize(NamedTuple):
    """How large a batch is.

    Attributes:
        rows: Its rows.
        longest: Tokens of the longest.
    """

    rows: int
    longest: int

    @property
    def padded_tokens(self) -> int:
        """What the model computes."""
        return self.rows * self.longest


class BatchTime:
    """Seconds of a batch: `fixed + step * longest + token * padded tokens`, no part below 0.

    A decoder takes a step for each token of the longest output, and every step costs something
    however few rows there are. Fitted by least squares in which old batches fade. The very first
    batch is ignored, because models prepare their graphs for it.
    """

    def __init__(self) -> None:
        self._is_first = True
        self._weight = 0.0
        self._products: Array = np.zeros((3, 3))
        self._answers: Array = np.zeros(3)
        self._largest = 0.0
        self._fitted: tuple[float, float, float] | None = None

    def add(self, size: BatchSize, seconds: float) -> None:
        """Counts a batch that was answered."""
        if self._is_first:
            self._is_first = False
            return
        if self._has_evidence:
            seconds = min(seconds, _LARGEST_JUMP * self._seconds(size))
        features = np.array([1.0, size.longest, size.padded_tokens])
        self._weight = self._weight * _KEPT + 1.0
        self._products = self._products * _KEPT + np.outer(features, features)
        self._answers = self._answers * _KEPT + features * seconds
        self._largest = max(self._largest * _KEPT, size.padded_tokens)
        self._fitted = None

    def seconds_for(self, size: BatchSize) -> float | None:
        """How long a batch takes; None without evidence: too few batches, or none so large."""
        if not self._has_evidence or size.padded_tokens > _BEYOND * self._largest:
            return None
        return self._seconds(size)

    @property
    def fixed_tokens(self) -> Callable[[int], float] | None:
        """For a longest row: the padded tokens that cost as much as the batch does without any.

        None without evidence.
        """
        if not self._has_evidence:
            return None
        fixed, step, token = self._fit()
        return lambda longest: (fixed + step * longest) / token if token > 0 else math.inf

    @property
    def _has_evidence(self) -> bool:
        return self._weight >= _FEWEST * _KEPT**_FEWEST

    def _seconds(self, size: BatchSize) -> float:
        fixed, step, token = self._fit()
        return fixed + step * size.longest + token * size.padded_tokens

    def _fit(self) -> tuple[float, float, float]:
        if self._fitted is None:
            fixed, step, token = _without_negatives(self._products, self._answers)
            self._fitted = float(fixed), float(step), float(token)
        return self._fitted


def _without_negatives(products: Array, answers: Array) -> Array:
    """Least squares; features whose factor would be negative are left out."""
    scale = 1.0 / np.sqrt(np.diag(products))
    scaled = products * np.outer(scale, scale) + _RIDGE * np.eye(len(answers))
    used = list(range(len(answers)))
    factors: Array = np.zeros(len(answers))
    while used:
        found = np.linalg.solve(scaled[np.ix_(used, used)], (answers * scale)[used])
        if found.min() >= 0:
            factors[used] = found
            break
        used.pop(int(found.argmin()))
    scaled_back: Array = factors * scale
    return scaled_back
