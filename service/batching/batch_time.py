"""How long a batch takes, learnt from those that ended. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

_KEPT: Final = 0.97
"""What a batch counts after the next one: about the last 30 decide."""
_FEWEST: Final = 4
"""So many batches must count before anything is said."""
_LARGEST_JUMP: Final = 4.0
"""A batch counts as at most so many times what was expected: one stall teaches little."""
_BEYOND: Final = 2.0
"""Nothing is said of batches more than so many times as large as any seen of late."""
_RIDGE: Final = 1e-9

_Matrix = Sequence[Sequence[float]]


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
        self._products = [[0.0] * 3 for _ in range(3)]
        self._answers = [0.0] * 3
        self._largest = 0.0
        self._fitted: tuple[float, float, float] | None = None

    def add(self, size: BatchSize, seconds: float) -> None:
        """Counts a batch that was answered."""
        if self._is_first:
            self._is_first = False
            return
        if self._has_evidence:
            seconds = min(seconds, _LARGEST_JUMP * self._seconds(size))
        features = (1.0, float(size.longest), float(size.padded_tokens))
        self._weight = self._weight * _KEPT + 1.0
        for feature, row in zip(features, self._products, strict=True):
            row[:] = [_KEPT * old + feature * f for old, f in zip(row, features, strict=True)]
        self._answers = [
            _KEPT * old + f * seconds for old, f in zip(self._answers, features, strict=True)
        ]
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
            self._fitted = fixed, step, token
        return self._fitted


def _without_negatives(products: _Matrix, answers: Sequence[float]) -> list[float]:
    """Least squares; features whose factor would be negative are left out.

    Three numbers are too few for NumPy, whose calls would take most of the time.
    """
    scale = [1.0 / math.sqrt(products[i][i]) for i in range(len(answers))]
    used = list(range(len(answers)))
    factors = [0.0] * len(answers)
    while used:
        scaled = [
            [products[i][j] * scale[i] * scale[j] + _RIDGE * (i == j) for j in used] for i in used
        ]
        found = _solve(scaled, [answers[i] * scale[i] for i in used])
        lowest = min(found)
        if lowest >= 0:
            for i, factor in zip(used, found, strict=True):
                factors[i] = factor * scale[i]
            break
        used.pop(found.index(lowest))
    return factors


def _solve(matrix: list[list[float]], values: list[float]) -> list[float]:
    """Solves a small positive definite system by elimination; changes its arguments."""
    size = len(values)
    for i in range(size):
        for below in range(i + 1, size):
            factor = matrix[below][i] / matrix[i][i]
            for j in range(i, size):
                matrix[below][j] -= factor * matrix[i][j]
            values[below] -= factor * values[i]
    for i in reversed(range(size)):
        known = sum(matrix[i][j] * values[j] for j in range(i + 1, size))
        values[i] = (values[i] - known) / matrix[i][i]
    return values
