"""When waiting rows leave for the model server. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_PATIENCE: Final = 2.0
"""The next arrival is waited for at most so many times as long as arrivals are apart."""


_ONE_MORE: Final = 1


@dataclass(frozen=True, slots=True)
class Prospect:
    """Rows that could leave now, and what is to be expected.

    Attributes:
        rows: How many wait.
        is_full: Whether they fill a batch.
        oldest_arrival: When the one that is next came, in seconds.
        last_arrival: When the last one came, in seconds.
        rows_per_s: How fast more of them come.
        batch_s: How long a batch of them takes, in seconds; None if that is not known.
    """

    rows: int
    is_full: bool
    oldest_arrival: float
    last_arrival: float
    rows_per_s: float
    batch_s: float | None


def when_to_send(prospect: Prospect, *, max_wait_s: float) -> float:
    """When the rows should leave if there is room in the model server.

    A moment's wait delays `rows` rows and lets `rows_per_s * moment` more join, each of which
    would otherwise wait for this batch to end: waiting gains as long as more rows come during a
    batch than wait now. One more is asked for, so that a lone caller who asks again as soon as
    he has his answer never waits. Nor does anybody while the model server is the bottleneck,
    because then the rows have gathered already.

    Args:
        prospect: The rows.
        max_wait_s: The longest wait, in seconds.

    Returns:
        The time; minus infinity for at once.

    Example:
        >>> import dataclasses
        >>> rush = Prospect(1, False, 10.0, 10.0, rows_per_s=1000.0, batch_s=0.01)
        >>> when_to_send(rush, max_wait_s=0.005)
        10.002
        >>> when_to_send(dataclasses.replace(rush, rows_per_s=50.0), max_wait_s=0.005)
        -inf
    """
    if prospect.is_full or prospect.batch_s is None or max_wait_s <= 0:
        return AT_ONCE
    if prospect.rows_per_s * prospect.batch_s <= prospect.rows + _ONE_MORE:
        return AT_ONCE
    nobody_came = prospect.last_arrival + _PATIENCE / prospect.rows_per_s
    return min(nobody_came, prospect.oldest_arrival + max_wait_s)


AT_ONCE: Final = float("-inf")
