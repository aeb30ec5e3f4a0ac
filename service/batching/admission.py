"""Whether a call may wait. Decided before any work. Pure: the time is always an argument."""

from __future__ import annotations

from dataclasses import dataclass

from service.batching.rates import Pauses
from service.errors import DeadlineOutOfReachError, QueueFullError


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
        model_tokens: Those of the call's model.
        models: How many models have tokens that wait, the call's own included, 1 or more.
        tokens_per_s: How fast they are answered; None if that is not known.
        answer_s: How long the call would take, from now to its answer; None if that is not known,
            or if its model has nothing to do: an idle model is always asked.
    """

    waiting_tokens: int
    model_tokens: int
    models: int
    tokens_per_s: float | None
    answer_s: float | None = None


class Admission:
    """Lets calls wait, or refuses them at once and says when to come back.

    An empty queue admits a call of any size. A model finds room for its fair share also while
    others have filled the queue: so many tokens may wait as are allowed in all, by the number of
    models that have tokens there.

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
        over_all = queue.waiting_tokens + call.tokens - limit
        over_share = queue.model_tokens + call.tokens - limit // queue.models
        excess = min(over_all, over_share)
        if queue.waiting_tokens and excess > 0:
            raise QueueFullError(
                waiting_tokens=queue.waiting_tokens,
                max_queue_tokens=limit,
                retry_after_s=self._pause_s(call, queue, excess=excess, now=now),
            )
        answer_s, time_left_s = queue.answer_s, call.time_left_s
        if answer_s is None or time_left_s is None or answer_s <= time_left_s:
            return
        raise DeadlineOutOfReachError(
            needed_s=answer_s,
            time_left_s=time_left_s,
            retry_after_s=self._pause_s(call, queue, excess=queue.waiting_tokens, now=now),
        )

    def _pause_s(self, call: Asked, queue: Queue, *, excess: int, now: float) -> float:
        return self._pauses.next_pause_s(
            tokens=call.tokens, excess=excess, tokens_per_s=queue.tokens_per_s, now=now
        )
