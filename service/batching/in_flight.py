"""How many batches of a model are in flight, and how many are of use. Pure.

By Little's law a model server works on `in flight x (time alone / time now)` batches at once:
one that runs a batch after another takes twice as long with two in flight, so it works on one.
The useful number is what it works on and one more, so that the next batch lies ready when one
ends; every further one would only wait there instead of in the queue, where it can still be
joined by others, overtaken or dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from service.batching.batch_time import BatchSize, BatchTime

_NEWEST: Final = 0.1
_STEP: Final = 0.15
_SATURATED: Final = 0.9
"""A model server that works on less than this share of what is in flight has enough."""
_ALONE: Final = 1.05
"""A batch was alone if no more were in flight on average."""
_FIRST_PROBE: Final = 6
_PROBE: Final = 2
"""Batches that are alone to see how long they take: without evidence, and to renew it."""
_PROBE_EVERY_S: Final = 60.0
_PROBE_EVERY_BATCHES: Final = 100.0


@dataclass(frozen=True, slots=True)
class EndedBatch:
    """What an answered batch tells.

    Attributes:
        size: How large it was.
        seconds: How long it took.
        mean_in_flight: Batches in flight meanwhile per model server, itself included, on average.
        was_at_limit: Whether as many of its model were in flight as were allowed.
        replicas: The model servers that share the batches.
    """

    size: BatchSize
    seconds: float
    mean_in_flight: float
    was_at_limit: bool
    replicas: int = 1


class InFlightLimit:
    """The useful number of batches of one model in one model server.

    As long as batches beside each other take no longer than alone, a few more are tried; else the
    number that the model server works on is seen. Under load no batch is ever alone, so from time
    to time, for a few batches, only one is allowed, to see how long it takes.

    Args:
        most: The upper bound, 1 or more.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._works_on = 1.0
        self._alone = BatchTime()
        self._beside = _Averages()
        self._probe_left = 0
        self._next_probe = float("-inf")

    @property
    def batches(self) -> int:
        """The most batches that should be in flight now."""
        return 1 if self._probe_left else self._useful

    @property
    def worked_on(self) -> int:
        """Batches that the model server works on at once, as far as is known."""
        return max(1, round(self._works_on))

    def alone_s(self, size: BatchSize) -> float | None:
        """How long a batch takes that is alone, in seconds; None without evidence."""
        return self._alone.seconds_for(size)

    @property
    def fixed_tokens(self) -> Callable[[int], float] | None:
        """As `BatchTime.fixed_tokens`, of batches that are alone."""
        return self._alone.fixed_tokens

    def note(self, batch: EndedBatch, now: float) -> None:
        """Learns from a batch that was answered."""
        self._probe_left = max(0, self._probe_left - 1)
        if batch.mean_in_flight <= _ALONE:
            self._alone.add(batch.size, batch.seconds)
            self._next_probe = max(self._next_probe, now + _probe_gap_s(batch))
            return
        alone_s = self._alone.seconds_for(batch.size)
        if batch.was_at_limit and now >= self._next_probe and not self._probe_left:
            alone_batches = _FIRST_PROBE if alone_s is None else _PROBE
            # Those under way end first, and there are as many of both for each model server.
            self._probe_left = (self._useful + alone_batches) * batch.replicas
            self._next_probe = now + _probe_gap_s(batch)
        if alone_s is not None:
            self._beside.add(batch, alone_s)
            self._learn()

    @property
    def _useful(self) -> int:
        return min(self.worked_on + 1, self._most)

    def _learn(self) -> None:
        if self._beside.worked_on < _SATURATED * self._beside.in_flight:
            self._works_on += _NEWEST * (self._beside.worked_on - self._works_on)
        elif self._works_on < self._beside.in_flight + 1:
            self._works_on += _STEP
        self._works_on = min(max(self._works_on, 1.0), float(self._most))


class _Averages:
    """Of batches that were not alone, the newest count most."""

    def __init__(self) -> None:
        self._seconds = self._alone = self._in_flight = 0.0

    def add(self, batch: EndedBatch, alone_s: float) -> None:
        newest = _NEWEST if self._seconds else 1.0
        self._seconds += newest * (batch.seconds - self._seconds)
        self._alone += newest * (batch.mean_in_flight * alone_s - self._alone)
        self._in_flight += newest * (batch.mean_in_flight * batch.seconds - self._in_flight)

    @property
    def worked_on(self) -> float:
        return self._alone / max(self._seconds, 1e-9)

    @property
    def in_flight(self) -> float:
        return self._in_flight / max(self._seconds, 1e-9)


def _probe_gap_s(batch: EndedBatch) -> float:
    return max(_PROBE_EVERY_S, _PROBE_EVERY_BATCHES * batch.seconds)


class InFlightMeter:
    """Batches in flight over time, for their average during a batch."""

    def __init__(self) -> None:
        self.batches = 0
        self._batch_seconds = 0.0
        self._since = 0.0

    def began(self, now: float) -> float:
        """A batch was sent; returns a mark for `mean_since`."""
        self._pass_to(now)
        self.batches += 1
        return self._batch_seconds

    def ended(self, now: float) -> None:
        """A batch ended."""
        self._pass_to(now)
        self.batches -= 1

    def mean_since(self, mark: float, seconds: float, now: float) -> float:
        """The average since a mark that was made `seconds` ago; call it before `ended`."""
        self._pass_to(now)
        return (self._batch_seconds - mark) / seconds if seconds > 0 else float(self.batches)

    def _pass_to(self, now: float) -> None:
        self._batch_seconds += self.batches * max(0.0, now - self._since)
        self._since = now
