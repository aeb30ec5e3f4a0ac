"""When the batches of a model that are in flight will end, as far as is known. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

_SHORTEST_LEAD_S: Final = 0.002
_LEAD: Final = 0.2
"""The next batch leaves so much before the end of one, as a share of its time: times vary."""


class UnderWay:
    """Batches in flight: those that the model servers work on, and those that lie ready there."""

    def __init__(self) -> None:
        self._working: dict[Hashable, tuple[float, float] | None] = {}
        self._ready: dict[Hashable, float | None] = {}

    def __len__(self) -> int:
        """How many are in flight."""
        return len(self._working) + len(self._ready)

    def began(self, batch: Hashable, now: float, *, seconds: float | None, worked_on: int) -> None:
        """A batch was sent.

        Args:
            batch: Which.
            now: The time.
            seconds: How long it takes alone; None if that is not known.
            worked_on: How many batches the model servers work on at once.
        """
        if len(self._working) < worked_on:
            self._work_on(batch, now, seconds)
        else:
            self._ready[batch] = seconds

    def ended(self, batch: Hashable, now: float) -> None:
        """A batch ended; the next one that lies ready is worked on."""
        self._ready.pop(batch, None)
        if batch in self._working:
            del self._working[batch]
            if self._ready:
                following = next(iter(self._ready))
                self._work_on(following, now, self._ready.pop(following))

    def next_wanted_at(self, worked_on: int) -> float:
        """When a further batch should leave so that it lies ready when it can be worked on.

        Before that it would lie in the model server where nobody can join it any more.

        Returns:
            The time; minus infinity for at once, also where nothing is known.
        """
        if len(self._working) < worked_on:
            return float("-inf")
        return min(
            float("-inf") if end is None else end[0] - max(_SHORTEST_LEAD_S, _LEAD * end[1])
            for end in self._working.values()
        )

    def _work_on(self, batch: Hashable, now: float, seconds: float | None) -> None:
        self._working[batch] = None if seconds is None else (now + seconds, seconds)
