"""Measures with the statistics that they are made of, so that they can be resampled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

RESAMPLES: Final = 1000
CONFIDENCE: Final = 0.95
_SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measure's value, and the interval of its bootstrap (Efron 1979), by percentiles."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """A measure of a whole split, made of sums over its examples.

    Attributes:
        name: What it is called.
        statistics: What each example adds to the sums, float64 [N, K].
        score: From sums, float64 [K], to the measure.
        is_share: Whether it is a share of 0 to 1, shown in percent.
        higher_is_better: Which way is better.
    """

    name: str
    statistics: FloatArray
    score: Callable[[FloatArray], float]
    is_share: bool = True
    higher_is_better: bool = True

    def estimate(self, indices: IntArray | None = None) -> Estimate:
        """The measure of some examples, one or more; None: of all.

        The interval holds the middle 95% of the values of 1,000 samples of as many examples,
        drawn with replacement. The same examples always have the same interval.
        """
        rows = self.statistics if indices is None else self.statistics[indices]
        values = resampled(rows, self.score)
        outside = (1 - CONFIDENCE) / 2
        low, high = np.quantile(values, [outside, 1 - outside])
        return Estimate(self.score(rows.sum(axis=0)), float(low), float(high))

    def written(self, value: float) -> str:
        """A value as a person reads it."""
        return f"{value:.1%}" if self.is_share else f"{value:.1f}"


def resampled(statistics: FloatArray, score: Callable[[FloatArray], float]) -> FloatArray:
    """The score of 1,000 samples of the rows, float64 [R]."""
    generator = np.random.default_rng(_SEED)
    count = len(statistics)
    draws = (generator.integers(count, size=count) for _ in range(RESAMPLES))
    return np.array([score(statistics[draw].sum(axis=0)) for draw in draws])


def share(sums: FloatArray) -> float:
    """The first sum by the second, 0 where there is nothing."""
    return float(sums[0] / sums[1]) if sums[1] else 0.0


def bootstrapped_mean(name: str, values: Sequence[float]) -> Measure:
    """The mean of a value of each example."""
    pairs = np.stack([np.asarray(values, np.float64), np.ones(len(values))], axis=1)
    return Measure(name, pairs, share)


def edit_share(name: str, edits: Sequence[tuple[int, int]]) -> Measure:
    """Edits per token, from the edits and the tokens of each example."""
    return Measure(name, np.array(edits, np.float64), share, higher_is_better=False)


def corpus_measure(
    metric: Any, name: str, hypotheses: Sequence[str], streams: Sequence[Sequence[str | None]]
) -> Measure:
    """A measure of sacreBLEU, 0 to 100.

    sacreBLEU's own bootstrap holds the statistics of all samples at once, a thousand times those
    of the corpus; so they are taken from it, and resampled here.

    Args:
        metric: BLEU or chrF.
        name: What it is called.
        hypotheses: What was produced.
        streams: The first reference of every sentence, then the second, where there is one.
    """
    statistics = np.array(metric._extract_corpus_statistics(hypotheses, streams), np.float64)

    def score(sums: FloatArray) -> float:
        return float(metric._compute_score_from_stats(sums.tolist()).score)

    return Measure(name, statistics, score, is_share=False)
