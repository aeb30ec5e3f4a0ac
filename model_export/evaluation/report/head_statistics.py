"""How attention is spread, head by head."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class HeadStatistics:
    """How attention is spread, mean over examples; NaN where no example tells.

    Attributes:
        entropy: `entropy` of each head, float64 [L, N].
        diagonality: `diagonality` of each head, float64 [L, N]; None of classifiers.
        largest: The largest weight of a row, mean, float64 [L, N].
        example_count: How many examples were looked at.
    """

    entropy: npt.NDArray[np.float64]
    diagonality: npt.NDArray[np.float64] | None
    largest: npt.NDArray[np.float64]
    example_count: int


def entropy(weights: Weights) -> float:
    """How evenly the rows spread their attention, 0 (all on one token) to 1 (even), mean.

        H = - sum_s a_s log a_s / log S

    Args:
        weights: Float [T, S]. Rows that do not sum to 1 are divided by their sum; empty ones do
            not count.

    Returns:
        The mean over rows; NaN where S is 1 or every row is empty.
    """
    rows = _normalized(weights)
    if rows.shape[1] < 2 or not len(rows):
        return float("nan")
    terms = rows * np.log(np.where(rows > 0, rows, 1.0))
    return float(-terms.sum(axis=1).mean() / np.log(rows.shape[1]))


def diagonality(weights: Weights) -> float:
    """How close attention stays to the diagonal: 1 on it, 0 as near as even attention.

        D = 1 - S sum_ts a_ts d_ts / sum_ts d_ts            d_ts = |s / (S - 1) - t / (T - 1)|

    Below 0 it is further away than even attention is.

    Args:
        weights: Float [T, S], the end token left out. Rows are divided by their sums.

    Returns:
        D; NaN where S or T is 1, or a row is empty.
    """
    row_count, column_count = weights.shape
    rows = _normalized(weights)
    if row_count < 2 or column_count < 2 or len(rows) < row_count:
        return float("nan")
    distance = np.abs(
        np.linspace(0, 1, column_count)[np.newaxis, :] - np.linspace(0, 1, row_count)[:, np.newaxis]
    )
    return float(1 - (rows * distance).sum() / (distance.sum() / column_count))


def head_statistics(matrices: Iterable[Weights], *, is_diagonal: bool = True) -> HeadStatistics:
    """The statistics of some examples, one or more.

    Args:
        matrices: Weights of each, float [L, N, T, S], the end token left out.
        is_diagonal: Whether rows have an order that columns could follow.
    """
    taken = [heads.astype(np.float64) for heads in matrices]
    return HeadStatistics(
        entropy=_mean(entropy, taken),
        diagonality=_mean(diagonality, taken) if is_diagonal else None,
        largest=_mean(_largest, taken),
        example_count=len(taken),
    )


def _mean(
    measure: Callable[[Weights], float], matrices: Sequence[Weights]
) -> npt.NDArray[np.float64]:
    """The mean of a measure over examples, for each layer and head."""
    values = np.array(
        [[[measure(head) for head in layer] for layer in heads] for heads in matrices]
    )  # [E, L, N]
    is_known = ~np.isnan(values)
    counts = is_known.sum(axis=0)
    sums = np.where(is_known, values, 0.0).sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _largest(weights: Weights) -> float:
    return float(weights.max(axis=1).mean()) if weights.size else float("nan")


def _normalized(weights: Weights) -> Weights:
    sums = weights.sum(axis=1)
    return weights[sums > 0] / sums[sums > 0, np.newaxis]
