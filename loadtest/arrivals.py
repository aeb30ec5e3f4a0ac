"""When requests come, whatever becomes of the earlier ones: open-loop arrivals.

A caller who waits for an answer before asking again sends less when the server is slow, and so
hides the waiting ("coordinated omission"). Arrivals here are drawn beforehand and kept to.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random


class Spacing(StrEnum):
    """The gaps between arrivals: at random, as of many independent callers, or all alike."""

    POISSON = "poisson"
    EVEN = "even"


class PatternKind(StrEnum):
    """How the rate changes over time; see `Pattern`."""

    STEADY = "steady"
    BURSTS = "bursts"
    RAMP = "ramp"
    SOAK = "soak"


@dataclass(frozen=True)
class Pattern:
    """The rate over time, as a multiple of the nominal one.

        steady  1
        bursts  `burst_factor` for `burst_share` of every `period_s`, and so much less in between
                that the mean is 1
        ramp    from 0 to 1 in `period_s`, then 1
        soak    1 + sin(2 pi t / period_s) / 2: half as much again and half as much, for long runs

    Attributes:
        kind: Which of them.
        period_s: See above, in seconds, above 0.
        burst_factor: See above, 1 or more.
        burst_share: See above, above 0 and below 1; with `burst_factor` times it at most 1.

    Raises:
        ValueError: A number is out of range.
    """

    kind: PatternKind = PatternKind.STEADY
    period_s: float = 10.0
    burst_factor: float = 3.0
    burst_share: float = 0.2

    def __post_init__(self) -> None:
        if not self.period_s > 0:
            raise ValueError(f"the period is {self.period_s} s; expected above 0")
        if not 0 < self.burst_share < 1 or self.burst_factor < 1:
            raise ValueError("bursts take a share of the time between 0 and 1, and a factor from 1")
        if self.burst_factor * self.burst_share > 1:
            raise ValueError(
                f"bursts of {self.burst_factor} times the rate for {self.burst_share} of the time "
                "are more than all requests; the product may be at most 1"
            )

    @property
    def highest(self) -> float:
        """The highest multiple that `at` gives."""
        match self.kind:
            case PatternKind.BURSTS:
                return self.burst_factor
            case PatternKind.SOAK:
                return 1.5
            case _:
                return 1.0

    def at(self, time_s: float) -> float:
        """The multiple, so many seconds after the start; 0 or more."""
        match self.kind:
            case PatternKind.BURSTS:
                if time_s % self.period_s < self.burst_share * self.period_s:
                    return self.burst_factor
                return (1 - self.burst_factor * self.burst_share) / (1 - self.burst_share)
            case PatternKind.RAMP:
                return min(1.0, time_s / self.period_s)
            case PatternKind.SOAK:
                return 1 + math.sin(2 * math.pi * time_s / self.period_s) / 2
            case _:
                return 1.0


def arrivals(
    rate: float,
    *,
    pattern: Pattern,
    random: Random,
    spacing: Spacing = Spacing.POISSON,
    begin_s: float = 0.0,
) -> Iterator[float]:
    """When requests come, in seconds after the start; without end.

    Poisson arrivals of a changing rate are those of the highest rate, each kept with the
    probability (rate now) / (highest rate) (Lewis and Shedler 1979). Arrivals of several callers
    together are Poisson arrivals of the sum of their rates.

    Args:
        rate: Requests a second, above 0.
        pattern: How it changes.
        random: Draws the gaps, and which are kept.
        spacing: At random or evenly; even arrivals come each when the mean number rises by 1.
        begin_s: None comes before this.

    Raises:
        ValueError: The rate is not above 0.
    """
    if not rate > 0:
        raise ValueError(f"the rate is {rate} requests a second; expected above 0")
    if spacing is Spacing.EVEN:
        return _even(rate, pattern, time_s=begin_s)
    return _poisson(rate, pattern, random, time_s=begin_s)


def _poisson(rate: float, pattern: Pattern, random: Random, *, time_s: float) -> Iterator[float]:
    while True:
        time_s += random.expovariate(rate * pattern.highest)
        if random.random() * pattern.highest < pattern.at(time_s):
            yield time_s


def _even(rate: float, pattern: Pattern, *, time_s: float) -> Iterator[float]:
    step_s = min(1 / (rate * pattern.highest), pattern.period_s) / 16
    expected = 0.0
    while True:
        gained = rate * pattern.at(time_s) * step_s
        expected += gained
        time_s += step_s
        if expected >= 1:
            expected -= 1
            yield time_s - step_s * expected / gained
