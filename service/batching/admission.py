"""Whether a call may wait. Decided before any work. Pure: the time is always an argument."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from service.batching.rates import Pauses
from service.errors import DeadlineOutOfReachError, QueueFullError

_CONFIDENCE: Final = 0.8
"""The share of an estimated time that counts: who might just make it is let in."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that wants to wait.

    Attributes:
        tokens: Its tokens.
        is_bulk: Whether interactive calls go first.
        time_left_s: Seconds until the answer is of no use any more; None for never.
    """

    tokens: int
    is_bulk: bool = False
    time_left_s: float | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """What a call meets.

    Attributes:
        waiting_tokens: Tokens that wait, of all models.
        tokens_per_s: How fast they are answered; None if that is not known.
        answer_s: How long the call would take, from now to its answer; None if that is not known,
            or if its model has nothing to do: an idle model is always asked.
    """

    waiting_tokens: int
    tokens_per_s: float | None
    answer_s: float | None = None


class Admission:
    """Lets calls wait, or refuses them at once and says when to come back.

    An empty queue admits a call of any size.

    Args:
        max_queue_tokens: The most tokens that may wait.
        bulk_share: The share of them that bulk calls find room in, 0 to 1.
    """

    def __init__(self, max_queue_tokens: int, bulk_share: float) -> None:
        self.max_queue_tokens = max_queue_tokens
        self._max_bulk_tokens = max(1, int(max_queue_tokens * bulk_share))
        self._pauses = Pauses()

    def check(self, call: Asked, queue: Queue, now: float) -> None:
        """Says whether a call is admitted.

        Raises:
            QueueFullError: There is no room for it.
            DeadlineOutOfReachError: It would be answered after its deadline.
        """
        limit = self._max_bulk_tokens if call.is_bulk else self.max_queue_tokens
        excess = queue.waiting_tokens + call.tokens - limit
        if queue.waiting_tokens and excess > 0:
            raise QueueFullError(
                waiting_tokens=queue.waiting_tokens,
                max_queue_tokens=limit,
                retry_after_s=self._pause_s(call, queue, excess=excess, now=now),
            )
        if is_out_of_reach(queue.answer_s, call.time_left_s):
            raise DeadlineOutOfReachError(
                needed_s=queue.answer_s or 0.0,
                time_left_s=call.time_left_s or 0.0,
                retry_after_s=self._pause_s(call, queue, excess=queue.waiting_tokens, now=now),
            )

    def _pause_s(self, call: Asked, queue: Queue, *, excess: int, now: float) -> float:
        return self._pauses.next_pause_s(
            tokens=call.tokens, excess=excess, tokens_per_s=queue.tokens_per_s, now=now
        )


def is_out_of_reach(needed_s: float | None, time_left_s: float | None) -> bool:
    """Whether there is evidence that the time left is too short."""
    if needed_s is None or time_left_s is None:
        return False
    return _CONFIDENCE * needed_s > time_left_s
