"""Ratios of what was measured in turns, and how far rounds lie apart."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as fast as another, over several rounds.

    Attributes:
        median: Of the rounds' ratios.
        low: The lowest of them.
        high: The highest.
    """

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f}–{self.high:.2f})"


def ratio_of_rounds(own: Sequence[float], other: Sequence[float]) -> Ratio:
    """Round by round, so that a slow moment of the machine counts on both sides.

    Args:
        own: A speed in each round, above 0.
        other: The other's speed in the same rounds.

    Raises:
        ValueError: There is no round, not as many on both sides, or a speed that is not above 0.
    """
    if not own or len(own) != len(other):
        raise ValueError(f"{len(own)} rounds beside {len(other)}")
    if not all(math.isfinite(speed) and speed > 0 for speed in (*own, *other)):
        raise ValueError("a speed is not above 0")
    ratios = [mine / theirs for mine, theirs in zip(own, other, strict=True)]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))


def fastest(speeds: Mapping[str, Sequence[float]]) -> str:
    """Who is fastest over cases of very different speed: by the geometric mean.

    Args:
        speeds: The speed in each case, above 0, by name; as many cases for each name, one or more.

    Raises:
        ValueError: There is no name.
    """
    if not speeds:
        raise ValueError("nobody was measured")
    return max(speeds, key=lambda name: statistics.geometric_mean(speeds[name]))


def batches_for(seconds: float, *, measured_s: float, measured_batches: int, streams: int) -> int:
    """How many batches take so long: the same number for each stream, one or more.

    Args:
        seconds: How long they shall take.
        measured_s: How long some batches took, above 0.
        measured_batches: How many those were.
        streams: Batches in work at once.
    """
    wanted = seconds * measured_batches / measured_s
    return streams * max(1, math.ceil(wanted / streams))
