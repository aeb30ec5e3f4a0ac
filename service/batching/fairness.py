"""Whose turn it is when several models want the model servers. Pure.

Start-time fair queueing (Goyal, Vin and Cheng 1996): every model has a tag, the work it was
given so far; the one with the lowest goes next. A model that was idle begins where the others
are, so that it saves nothing up, and one that floods the queue gets its share and no more.
"""

from __future__ import annotations

from collections.abc import Iterable


class FairShares:
    """Shares work between models.

    Example:
        >>> shares = FairShares()
        >>> turns = []
        >>> for _ in range(4):
        ...     turns.append(shares.next_of(["flooded", "quiet"]))
        ...     shares.charge(turns[-1], 300 if turns[-1] == "flooded" else 100)
        >>> turns
        ['flooded', 'quiet', 'quiet', 'quiet']
    """

    def __init__(self) -> None:
        self._tags: dict[str, float] = {}
        self._virtual_time = 0.0

    def next_of(self, models: Iterable[str]) -> str:
        """The model served least. Between equals the first.

        Args:
            models: Those that have work, at least one.
        """
        return min(models, key=self._start)

    def charge(self, model: str, work: float) -> None:
        """Notes that a model was given work, in any unit as long as it is the same for all."""
        start = self._start(model)
        self._virtual_time = start
        self._tags[model] = start + work
        if len(self._tags) > _TIDY_ABOVE:
            self._tags = {key: tag for key, tag in self._tags.items() if tag > start}

    def _start(self, model: str) -> float:
        return max(self._virtual_time, self._tags.get(model, 0.0))


_TIDY_ABOVE = 64
