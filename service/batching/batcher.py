"""The queue in front of the model server: admits rows, batches them, hands out their answers."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Hashable, Sequence
from typing import Final, cast

from service.batching.observer import BatchObserver
from service.batching.rows import QueuedRow, RowAnswer
from service.batching.rules import SchedulingRules
from service.batching.running import BatchRunner
from service.batching.scheduler import Batch, BatchScheduler
from service.domain.models import VersionKey
from service.domain.requests import Priority
from service.domain.signatures import Predictor, PredictTarget

_IDLE_TURN_S: Final = 0.00005
"""An event loop that comes round faster than this had nothing else to do, in seconds."""
_IDLE_TURNS: Final = 4
"""So many such turns in a row mean that it is idle: gRPC's own threads need one or two of them to
hand over what has arrived."""

__all__ = ["Batcher", "QueuedRow", "RowAnswer"]


class Batcher:
    """Moves rows through the queue: `BatchScheduler` decides, this waits and sends.

    A batch leaves as soon as the model server has use for it: a lone row never waits. While the
    model server is busy, rows gather and the next batch is larger.

    `run` is the one task that takes rows out; `submit` only adds.

    Args:
        predictor: Runs batches.
        rules: How rows wait and travel.
        max_predict_s: Seconds a batch may take when a row of it has no deadline.
        replica_count: How many model servers can answer for a version; one unless given.
        observer: Hears of everything.
    """

    def __init__(
        self,
        predictor: Predictor,
        rules: SchedulingRules,
        *,
        max_predict_s: float,
        replica_count: Callable[[VersionKey], int] | None = None,
        observer: BatchObserver | None = None,
    ) -> None:
        def replicas(target: Hashable) -> int:
            model = cast("PredictTarget", target).model
            return 1 if replica_count is None else max(1, replica_count(model))

        self._runner = BatchRunner(predictor, max_predict_s)
        self._scheduler: BatchScheduler[QueuedRow] = BatchScheduler(
            rules, on_late=QueuedRow.settle, replica_count=replicas, observer=observer
        )
        self._max_wait_s = rules.max_wait_s
        self._flights: dict[asyncio.Task[None], _Flight] = {}
        self._freeing: set[asyncio.TimerHandle] = set()
        self._wake = asyncio.Event()
        self._is_urgent = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting_tokens(self) -> int:
        """Tokens of the rows that wait."""
        return self._scheduler.waiting_tokens

    @property
    def batches_in_flight(self) -> int:
        """Batches in the model servers, abandoned ones included while those work on them."""
        return self._scheduler.batches_in_flight

    def check_room(
        self, model: str = "", tokens: int = 1, *, priority: Priority = Priority.INTERACTIVE
    ) -> None:
        """Says whether a call would find room now. An empty queue has room for a call of any size.

        Args:
            model: The name of the call's model.
            tokens: Its tokens.
            priority: How urgent it is.

        Raises:
            QueueFullError: It would not.
        """
        now = asyncio.get_running_loop().time()
        self._scheduler.check_room(model, tokens, is_bulk=priority is Priority.BULK, now=now)

    def submit(self, rows: Sequence[QueuedRow], *, is_admitted: bool = False) -> None:
        """Admits all of the rows or none.

        Args:
            rows: Rows of one call: of one target, priority and deadline.
            is_admitted: Whether they finish a call that was admitted before; such rows are not
                refused, since the work done for them would be lost.

        Raises:
            QueueFullError: There is no room for all of them.
            DeadlineOutOfReachError: They would be answered too late.
        """
        if not rows:
            return
        now = asyncio.get_running_loop().time()
        for row in rows:
            row.arrival = now
        self._scheduler.admit(rows, now, is_admitted=is_admitted)
        for row in rows:
            row.answer.add_done_callback(functools.partial(self._leave_queue, row))
        self._wake.set()

    async def run(self) -> None:
        """Sends batches for as long as it is not cancelled; then ends the batches in flight."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._gather()
                self._is_urgent = False
                self._send_batches()
        finally:
            await self._cancel_batches()
            self._cancel_timers()

    async def _gather(self) -> None:
        """Lets rows join that the event loop has in hand; an idle one keeps a lone row for a blink.

        A batch costs the gateway as much as several rows do, so a busy one sends fewer batches.
        Nothing is waited for when a batch has ended: the model server would be idle.
        """
        loop = asyncio.get_running_loop()
        now = loop.time()
        ends = now + self._max_wait_s
        idle_turns = 0
        while now < ends and idle_turns < _IDLE_TURNS and not self._is_urgent:
            await asyncio.sleep(0)
            began, now = now, loop.time()
            idle_turns = idle_turns + 1 if now - began < _IDLE_TURN_S else 0

    def _leave_queue(self, row: QueuedRow, _: asyncio.Future[RowAnswer]) -> None:
        if row.started is None:
            self._scheduler.leave(row)

    def _send_batches(self) -> None:
        loop = asyncio.get_running_loop()
        while batch := self._scheduler.next_batch(loop.time()):
            for row in batch.rows:
                row.started = batch.sent_at
            answered = functools.partial(self._free, batch, is_answered=True)
            task = loop.create_task(self._runner.run(batch.rows, answered), name="batch")
            self._flights[task] = _Flight(batch, task)
            task.add_done_callback(self._batch_ended)
        self._set_timer(self._scheduler.wake_at)

    def _set_timer(self, at: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = None if at is None else loop.call_at(at, self._wake.set)

    def _batch_ended(self, task: asyncio.Task[None]) -> None:
        batch = self._flights.pop(task).batch
        if batch.has_ended:
            return
        if not task.cancelled():
            self._free(batch, is_answered=False)
            return
        loop = asyncio.get_running_loop()
        handle: asyncio.TimerHandle

        def free() -> None:
            self._freeing.discard(handle)
            self._free(batch, is_answered=False)

        handle = loop.call_at(max(loop.time(), self._scheduler.free_at(batch)), free)
        self._freeing.add(handle)

    def _free(self, batch: Batch[QueuedRow], *, is_answered: bool) -> None:
        now = asyncio.get_running_loop().time()
        self._scheduler.ended(batch, now, is_answered=is_answered)
        self._is_urgent = True
        self._wake.set()

    def _cancel_timers(self) -> None:
        self._set_timer(None)
        for handle in self._freeing:
            handle.cancel()
        self._freeing.clear()

    async def _cancel_batches(self) -> None:
        tasks = list(self._flights)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Flight:
    """A batch under way. When all of its callers have left, its Predict is cancelled."""

    def __init__(self, batch: Batch[QueuedRow], task: asyncio.Task[None]) -> None:
        self.batch = batch
        self._task = task
        self._callers = len(batch.rows)
        for row in batch.rows:
            row.answer.add_done_callback(self._count_out)

    def _count_out(self, _: asyncio.Future[RowAnswer]) -> None:
        self._callers -= 1
        if not self._callers:
            self._task.cancel()
