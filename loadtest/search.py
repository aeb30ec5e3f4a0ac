"""The search for the highest rate that meets the objectives; it knows nothing of servers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from loadtest.errors import LoadTestError

AGREEMENT: Final = 0.1
"""Two searches on a quiet machine differ by less."""


class Trial(Protocol):
    """What came of a rate."""

    @property
    def is_met(self) -> bool:
        """Whether the objectives were met."""


T = TypeVar("T", bound=Trial)


@dataclass(frozen=True)
class Steps:
    """How a search moves.

    Attributes:
        first: The factor between the first rates, above 1; it is squared while they all pass or
            all fail.
        precision: The search ends when the lowest rate that fails is at most so much higher than
            the highest that passes, above 0.
        most: The most trials, 1 or more.
    """

    first: float = 1.3
    precision: float = 0.06
    most: int = 14

    def __post_init__(self) -> None:
        if self.first <= 1 or self.precision <= 0 or self.most < 1:
            raise ValueError("steps need a factor above 1, a precision above 0, and a trial")


@dataclass(frozen=True)
class Found(Generic[T]):
    """What a search found.

    Attributes:
        rate: The highest rate that passed, in requests a second; 0 if none did.
        trials: Every trial, in the order in which they were made.
    """

    rate: float
    trials: tuple[T, ...]


def find_highest_rate(
    attempt: Callable[[float], T], *, first_rate: float, steps: Steps | None = None
) -> Found[T]:
    """Goes up or down until one rate passes and one fails, then halves the gap between them.

    Args:
        attempt: Tries a rate, in requests a second.
        first_rate: Where to begin, above 0.
        steps: How to move.

    Raises:
        LoadTestError: The first rate is not above 0.
    """
    if not first_rate > 0 or math.isinf(first_rate):
        raise LoadTestError(f"a search cannot begin at {first_rate} requests a second")
    steps = steps or Steps()
    passes, fails, factor = 0.0, math.inf, steps.first
    rate, trials = first_rate, list[T]()
    while len(trials) < steps.most:
        trials.append(attempt(rate))
        if trials[-1].is_met:
            passes = max(passes, rate)
        else:
            fails = min(fails, rate)
        if passes and fails <= passes * (1 + steps.precision):
            break
        if passes and not math.isinf(fails):
            rate = math.sqrt(passes * fails)
        else:
            rate = rate * factor if passes else rate / factor
            factor = min(factor**2, 4.0)
    return Found(passes, tuple(trials))


def first_that_holds(
    attempt: Callable[[float], T], *, rate: float, steps: Steps | None = None
) -> Found[T]:
    """Goes down from a rate until one passes; a queue may fill too slowly for a short trial.

    Args:
        attempt: Tries a rate for longer than the search did, in requests a second.
        rate: The highest to try.
        steps: How to move: down by its precision, which grows as the rates fail.
    """
    steps = steps or Steps()
    trials, factor = list[T](), 1 + steps.precision
    for _ in range(steps.most):
        trials.append(attempt(rate))
        if trials[-1].is_met:
            return Found(rate, tuple(trials))
        rate, factor = rate / factor, min(factor**1.5, 4.0)
    return Found(0.0, tuple(trials))


def agreement(rates: list[float]) -> float:
    """By which share of the highest the lowest rate lies below it, 0 to 1."""
    return 1 - min(rates) / max(rates) if rates and max(rates) > 0 else 1.0
