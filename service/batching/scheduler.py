"""The queue without clock and event loop: what may wait, what leaves next, and when.

The batcher drives it in the gateway; the simulator drives the same class through virtual time.
Every method that needs the time takes it as `now`, in seconds of any clock that never goes back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from service.batching.admission import Admission, Asked, Queue
from service.batching.batch_time import BatchSize, BatchTime
from service.batching.in_flight import EndedBatch, InFlightLimit, InFlightMeter
from service.batching.lines import WaitingRow
from service.batching.observer import BatchObserver, DropReason, NoObserver
from service.batching.policy import WaitingGroup, WaitingRows, size_of
from service.batching.rates import (
    LONGEST_PAUSE_S,
    SHORTEST_PAUSE_S,
    ArrivalRate,
    DrainRate,
)
from service.batching.recent import Recent
from service.batching.rules import SchedulingRules
from service.batching.sending import AT_ONCE, Prospect, when_to_send
from service.batching.under_way import UnderWay
from service.errors import DeadlineOutOfReachError, DeadlinePassedError, ServiceError, Stage

_UNKNOWN_BATCH_S: Final = 1.0
"""What an abandoned batch is taken to last in the model server without evidence, in seconds."""


class SchedulableRow(WaitingRow, Protocol):
    """What the scheduler needs to know of a row."""

    @property
    def deadline(self) -> float | None:
        """When the answer is of no use any more, in seconds; None for never."""


Row = TypeVar("Row", bound=SchedulableRow)
OnLate = Callable[[Row, ServiceError], None]
"""Told of a row that is dropped because of its deadline, and why."""


@dataclass(slots=True, eq=False)
class Batch(Generic[Row]):
    """Rows that travel together.

    Attributes:
        model: The model's name.
        target: What all of them ask for.
        rows: The rows, the one that was next first.
        tokens: Their tokens, without padding.
        size: Rows, and the longest.
        sent_at: When they left, in seconds.
        mark: Where the meter of batches in flight stood then.
        was_at_limit: Whether no further batch of the model was allowed beside it.
        has_ended: Whether it is in flight no more.
    """

    model: str
    target: Hashable
    rows: Sequence[Row]
    tokens: int
    size: BatchSize
    sent_at: float
    mark: float
    was_at_limit: bool = False
    has_ended: bool = False


class BatchScheduler(Generic[Row]):
    """Decides; does nothing itself.

    Args:
        rules: How rows wait and travel.
        on_late: Told of rows that are dropped because of their deadline.
        replica_count: How many model servers can answer a target.
        observer: Hears of everything.
    """

    def __init__(
        self,
        rules: SchedulingRules,
        *,
        on_late: OnLate[Row],
        replica_count: Callable[[Hashable], int] = lambda _: 1,
        observer: BatchObserver | None = None,
    ) -> None:
        self._rules = rules
        self._on_late = on_late
        self._replica_count = replica_count
        self._observer = observer or NoObserver()
        self._observer.queue_limit(rules.max_queue_tokens)
        self._waiting: WaitingRows[Row] = WaitingRows(rules.limits, rules.bulk_delay_s)
        self._admission = Admission(rules.max_queue_tokens, rules.bulk_queue_share)
        self._under_way: dict[str, UnderWay] = {}
        self._meter = InFlightMeter()
        self._limits: Recent[str, InFlightLimit] = Recent(
            lambda: InFlightLimit(rules.max_in_flight)
        )
        self._times: Recent[Hashable, BatchTime] = Recent(BatchTime)
        self._arrivals: Recent[Hashable, ArrivalRate] = Recent(ArrivalRate)
        self._drains: Recent[str, DrainRate] = Recent(DrainRate)
        self._drain = DrainRate()
        self.wake_at: float | None = None
        """When to ask for a batch again although nothing happens; set by `next_batch`."""

    @property
    def waiting_tokens(self) -> int:
        """Tokens of the rows that wait."""
        return self._waiting.tokens

    @property
    def batches_in_flight(self) -> int:
        """Batches in the model servers."""
        return self._meter.batches

    def check_room(self, model: str, tokens: int, *, is_bulk: bool, now: float) -> None:
        """Says whether a call would find room now. An empty queue has room for a call of any size.

        Raises:
            QueueFullError: It would not.
        """
        self._admission.check(Asked(tokens, is_bulk), self._queue(model), now)

    def admit(self, rows: Sequence[Row], now: float, *, is_admitted: bool = False) -> None:
        """Lets all rows of a call wait, or none.

        Args:
            rows: Rows of one target, priority and deadline, at least one.
            now: The time.
            is_admitted: Whether they finish a call that was admitted before.

        Raises:
            QueueFullError: There is no room for them.
            DeadlineOutOfReachError: They would be answered too late.
        """
        if not is_admitted:
            self._check(rows, now)
        self._arrivals[rows[0].target].note(len(rows), now)
        for row in rows:
            self._waiting.add(row)
        self._report_queue()

    def leave(self, row: Row) -> None:
        """Takes out a row whose caller left. Nothing happens if it does not wait any more."""
        if self._waiting.forget(row):
            self._observer.dropped(DropReason.CANCELLED)
            self._report_queue()

    def next_batch(self, now: float) -> Batch[Row] | None:
        """The batch that leaves now; None if there is none. Ask until there is none."""
        self.wake_at = None
        while rows := self._waiting.take_batch(
            lambda group: self._is_due(group, now), lambda model: self._limits[model].fixed_tokens
        ):
            self._report_queue()
            kept = self._in_time(rows, now)
            if kept:
                return self._send(kept, now)
        return None

    def ended(self, batch: Batch[Row], now: float, *, is_answered: bool) -> None:
        """Notes that a batch is in flight no more, and learns from it if it was answered."""
        batch.has_ended = True
        seconds = now - batch.sent_at
        replicas = self._replica_count(batch.target)
        mean_in_flight = self._meter.mean_since(batch.mark, seconds, now) / replicas
        self._meter.ended(now)
        under_way = self._under_way[batch.model]
        under_way.ended(batch, now)
        if not under_way:
            del self._under_way[batch.model]
        for drain in (self._drain, self._drains[batch.model]):
            drain.ended(batch.tokens if is_answered else 0, now)
        if is_answered:
            self._times[batch.target].add(batch.size, seconds)
            self._limits[batch.model].note(
                EndedBatch(batch.size, seconds, mean_in_flight, batch.was_at_limit, replicas), now
            )
        self._observer.batch_ended(model=batch.model, seconds=seconds, is_ok=is_answered)
        self._report_in_flight(batch)

    def free_at(self, batch: Batch[Row]) -> float:
        """When the model server is done with a batch that nobody waits for any more.

        Model servers go on with a call that was cancelled, so its place is not free before.
        """
        seconds = self._times[batch.target].seconds_for(batch.size)
        return batch.sent_at + (_UNKNOWN_BATCH_S if seconds is None else seconds)

    def _check(self, rows: Sequence[Row], now: float) -> None:
        first, tokens = rows[0], sum(row.length for row in rows)
        time_left_s = None if first.deadline is None else first.deadline - now
        answer_s = None if time_left_s is None else self._answer_s(rows, tokens)
        queue = self._queue(first.model, answer_s)
        self._admission.check(Asked(tokens, first.is_bulk, time_left_s), queue, now)

    def _queue(self, model: str, answer_s: float | None = None) -> Queue:
        waiting = self._waiting.tokens_by_model()
        return Queue(
            waiting_tokens=self.waiting_tokens,
            model_tokens=waiting.get(model, 0),
            models=len(waiting.keys() | {model}),
            tokens_per_s=self._drain.tokens_per_s(),
            answer_s=answer_s,
        )

    def _answer_s(self, rows: Sequence[Row], tokens: int) -> float | None:
        """How long a call would take: what is ahead of its last batch, and that batch."""
        first = rows[0]
        ahead = self._waiting.tokens_before(first.model, is_bulk=first.is_bulk)
        if not ahead and first.model not in self._under_way:
            return None
        last_batch = min(ahead + tokens, self._rules.limits.max_tokens)
        longest = max(row.length for row in rows)
        size = BatchSize(math.ceil(last_batch / longest), longest)
        batch_s = self._times[first.target].seconds_for(size)
        tokens_per_s = self._drains[first.model].tokens_per_s()
        if batch_s is None or tokens_per_s is None:
            return None
        return (ahead + tokens - last_batch) / tokens_per_s + batch_s

    def _is_due(self, group: WaitingGroup, now: float) -> bool:
        if not self._has_room(group.model, group.target):
            return False
        send_at = self._send_at(group, now)
        if send_at <= now:
            return True
        self.wake_at = send_at if self.wake_at is None else min(self.wake_at, send_at)
        return False

    def _send_at(self, group: WaitingGroup, now: float) -> float:
        """When rows should leave for which there is room; full batches at once."""
        prospect = self._prospect(group, now)
        if prospect.is_full:
            return AT_ONCE
        wanted_at = AT_ONCE
        if group.model in self._under_way:
            worked_on = self._worked_on(group.model, group.target)
            wanted_at = self._under_way[group.model].next_wanted_at(worked_on)
        return max(wanted_at, when_to_send(prospect, max_wait_s=self._rules.max_wait_s))

    def _worked_on(self, model: str, target: Hashable) -> int:
        return self._limits[model].worked_on * self._replica_count(target)

    def _has_room(self, model: str, target: Hashable) -> bool:
        replicas = self._replica_count(target)
        if self._meter.batches >= self._rules.max_in_flight * replicas:
            return False
        in_flight = len(self._under_way.get(model, ()))
        return in_flight < self._limits[model].batches * replicas

    def _prospect(self, group: WaitingGroup, now: float) -> Prospect:
        limits, arrivals = self._rules.limits, self._arrivals[group.target]
        return Prospect(
            rows=group.rows,
            is_full=group.rows >= group.max_rows or group.tokens >= limits.max_tokens,
            oldest_arrival=group.arrival,
            last_arrival=arrivals.last_arrival or group.arrival,
            rows_per_s=arrivals.rows_per_s(now),
            batch_s=self._times[group.target].seconds_for(
                BatchSize(group.rows, math.ceil(group.tokens / group.rows))
            ),
        )

    def _in_time(self, rows: Sequence[Row], now: float) -> list[Row]:
        """The rows that can still be answered in time; of the others `on_late` is told."""
        needed_s = None
        if rows[0].model in self._under_way:  # an idle model server is always asked
            needed_s = self._times[rows[0].target].seconds_for(size_of(rows))
        kept = []
        for row in rows:
            time_left_s = None if row.deadline is None else row.deadline - now
            if time_left_s is not None and time_left_s <= 0:
                self._drop(row, DeadlinePassedError(Stage.QUEUE))
            elif time_left_s is not None and needed_s is not None and needed_s > time_left_s:
                self._drop(row, self._out_of_reach(needed_s, time_left_s))
            else:
                kept.append(row)
        return kept

    def _drop(self, row: Row, error: ServiceError) -> None:
        self._observer.dropped(DropReason.DEADLINE)
        self._on_late(row, error)

    def _out_of_reach(self, needed_s: float, time_left_s: float) -> ServiceError:
        queue_s = self.waiting_tokens / (self._drain.tokens_per_s() or math.inf)
        return DeadlineOutOfReachError(
            needed_s=needed_s,
            time_left_s=time_left_s,
            retry_after_s=min(max(queue_s, SHORTEST_PAUSE_S), LONGEST_PAUSE_S),
        )

    def _send(self, rows: Sequence[Row], now: float) -> Batch[Row]:
        model, target = rows[0].model, rows[0].target
        mark = self._meter.began(now)
        for drain in (self._drain, self._drains[model]):
            drain.began(now)
        batch = Batch(
            model=model,
            target=target,
            rows=rows,
            tokens=sum(row.length for row in rows),
            size=size_of(rows),
            sent_at=now,
            mark=mark,
        )
        self._under_way.setdefault(model, UnderWay()).began(
            batch,
            now,
            seconds=self._limits[model].alone_s(batch.size),
            worked_on=self._worked_on(model, target),
        )
        batch.was_at_limit = not self._has_room(model, target)
        self._observer.batch_sent(
            model=model,
            rows=len(rows),
            tokens=batch.tokens,
            padded_tokens=batch.size.padded_tokens,
            max_tokens=self._rules.limits.max_tokens,
        )
        self._report_in_flight(batch)
        return batch

    def _report_queue(self) -> None:
        self._observer.queue(tokens=self._waiting.tokens, rows=len(self._waiting))

    def _report_in_flight(self, batch: Batch[Row]) -> None:
        limit = self._limits[batch.model].batches * self._replica_count(batch.target)
        self._observer.in_flight(self._meter.batches, limit=limit)
