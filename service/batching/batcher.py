"""The queue in front of the model server: admits rows, batches them, hands out their answers."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.batching.padding import split_rows, stack_rows
from service.batching.policy import BatchLimits, WaitingRows
from service.batching.throughput import ThroughputEstimate
from service.domain.signatures import Array, InputArray, Predictor, PredictTarget, check_outputs
from service.errors import (
    DeadlinePassedError,
    InternalError,
    ModelRejectedInputError,
    QueueFullError,
    ServiceError,
    Stage,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """What the model said about one row.

    Attributes:
        outputs: The outputs by name, dimension 0 (the rows) taken off; wider than the row needs.
        queue_s: How long the row waited, in seconds.
        model_s: How long the model server took, in seconds.
    """

    outputs: Mapping[str, Array]
    queue_s: float
    model_s: float


@dataclass(slots=True, eq=False)
class QueuedRow:
    """A row on its way. Its answer travels with it.

    Attributes:
        target: What is asked of whom.
        inputs: The inputs by name, int32 or float32, [] or [X].
        length: Tokens that count for batching and admission, 1 or more: those of the longest
            input, as often as there are hypotheses.
        deadline: When the answer is of no use any more, on the loop's clock; None for never.
        answer: Settled by the batcher; cancelled by the caller who leaves.
        arrival: When it was admitted, on the loop's clock.
        started: When it was sent to the model server, on the loop's clock; None while it waits.
    """

    target: PredictTarget
    inputs: Mapping[str, InputArray]
    length: int
    deadline: float | None
    answer: asyncio.Future[RowAnswer]
    arrival: float = field(default=0.0)
    started: float | None = field(default=None)

    @property
    def is_gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.answer.done()

    @property
    def stage(self) -> Stage:
        """Where the row is."""
        return Stage.QUEUE if self.started is None else Stage.MODEL


class Batcher:
    """Holds waiting rows and keeps a bounded number of batches in the model server.

    A batch leaves as soon as there is room in the model server: a lone row never waits. While the
    model server is busy, rows gather and the next batch is larger.

    `run` is the one task that takes rows out; `submit` only adds.

    Args:
        predictor: Runs batches.
        limits: How large a batch may be.
        max_queue_tokens: The most tokens that may wait.
        max_in_flight: The most batches in the model server at once.
        max_predict_s: Seconds a batch may take when a row of it has no deadline.
    """

    def __init__(
        self,
        predictor: Predictor,
        limits: BatchLimits,
        *,
        max_queue_tokens: int,
        max_in_flight: int,
        max_predict_s: float,
    ) -> None:
        self._predictor = predictor
        self._waiting: WaitingRows[QueuedRow] = WaitingRows(limits)
        self._waiting_tokens = 0
        self._max_queue_tokens = max_queue_tokens
        self._max_in_flight = max_in_flight
        self._max_predict_s = max_predict_s
        self._in_flight: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._throughput = ThroughputEstimate()

    @property
    def waiting_tokens(self) -> int:
        """Tokens of the rows that wait."""
        return self._waiting_tokens

    def check_room(self, tokens: int = 1) -> None:
        """Says whether a call would be admitted now. An empty queue admits a call of any size.

        Args:
            tokens: Tokens of the call.

        Raises:
            QueueFullError: It would not.
        """
        if self._waiting_tokens and self._waiting_tokens + tokens > self._max_queue_tokens:
            raise QueueFullError(
                waiting_tokens=self._waiting_tokens,
                max_queue_tokens=self._max_queue_tokens,
                retry_after_s=self._throughput.seconds_for(self._waiting_tokens),
            )

    def submit(self, rows: Sequence[QueuedRow], *, is_admitted: bool = False) -> None:
        """Admits all of the rows or none.

        Args:
            rows: The rows.
            is_admitted: Whether they finish a call that was admitted before; such rows are not
                refused, since the work done for them would be lost.

        Raises:
            QueueFullError: There is no room for all of them.
        """
        if not is_admitted:
            self.check_room(sum(row.length for row in rows))
        now = asyncio.get_running_loop().time()
        for row in rows:
            row.arrival = now
            self._waiting_tokens += row.length
            row.answer.add_done_callback(functools.partial(self._leave_queue, row))
            self._waiting.add(row)
        self._wake.set()

    async def run(self) -> None:
        """Sends batches for as long as it is not cancelled; then ends the batches in flight."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                self._send_batches()
        finally:
            await self._cancel_batches()

    def _send_batches(self) -> None:
        loop = asyncio.get_running_loop()
        while len(self._in_flight) < self._max_in_flight and self._waiting:
            rows = _without_late(self._waiting.take_batch(), loop.time())
            if rows:
                for row in rows:
                    self._start(row, loop.time())
                task = loop.create_task(self._run_batch(rows), name="batch")
                self._in_flight.add(task)
                task.add_done_callback(self._batch_ended)

    def _start(self, row: QueuedRow, now: float) -> None:
        self._waiting_tokens -= row.length
        row.started = now

    def _leave_queue(self, row: QueuedRow, _: asyncio.Future[RowAnswer]) -> None:
        if row.started is None:
            self._waiting_tokens -= row.length

    def _batch_ended(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._wake.set()

    async def _cancel_batches(self) -> None:
        tasks = list(self._in_flight)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run_batch(self, rows: Sequence[QueuedRow]) -> None:
        try:
            await self._answer(rows)
        except ServiceError as error:
            _fail(rows, error)
        except Exception:  # a fault of ours must not leave callers waiting for ever
            logger.exception("a batch failed")
            _fail(rows, InternalError("a batch failed; see the log"))
        except asyncio.CancelledError:
            for row in rows:
                row.answer.cancel()
            raise

    async def _answer(self, rows: Sequence[QueuedRow]) -> None:
        """Runs rows together; halves the batch until a row that the model rejects is alone."""
        try:
            await self._predict(rows)
        except ModelRejectedInputError as error:
            if len(rows) == 1:
                raise
            logger.warning("the model rejected a batch of %d rows: %s", len(rows), error)
            middle = len(rows) // 2
            for half in (rows[:middle], rows[middle:]):
                await self._run_batch([row for row in half if not row.is_gone])

    async def _predict(self, rows: Sequence[QueuedRow]) -> None:
        if not rows:
            return
        loop = asyncio.get_running_loop()
        target, began = rows[0].target, loop.time()
        outputs = await self._predictor.predict(
            target, stack_rows([row.inputs for row in rows]), timeout_s=self._timeout_s(rows, began)
        )
        check_outputs(target, outputs, len(rows))
        model_s = loop.time() - began
        self._throughput.add(tokens=sum(row.length for row in rows), seconds=model_s)
        for row, row_outputs in zip(rows, split_rows(outputs, len(rows)), strict=True):
            _settle(row, RowAnswer(row_outputs, began - row.arrival, model_s))

    def _timeout_s(self, rows: Sequence[QueuedRow], now: float) -> float:
        """The longest remaining time of the rows: nobody waits beyond it."""
        limit = now + self._max_predict_s
        latest = max(limit if row.deadline is None else row.deadline for row in rows)
        return max(min(latest, limit) - now, 0.001)


def _without_late(rows: Sequence[QueuedRow], now: float) -> list[QueuedRow]:
    """The rows whose deadline is still to come; the others are told that theirs has passed."""
    in_time = []
    for row in rows:
        if row.deadline is None or row.deadline > now:
            in_time.append(row)
        else:
            _settle(row, DeadlinePassedError(Stage.QUEUE))
    return in_time


def _fail(rows: Sequence[QueuedRow], error: ServiceError) -> None:
    for row in rows:
        _settle(row, error)


def _settle(row: QueuedRow, result: RowAnswer | ServiceError) -> None:
    """The one place where answers are given. Callers that left are skipped."""
    if row.answer.done():
        return
    if isinstance(result, ServiceError):
        row.answer.set_exception(result)
    else:
        row.answer.set_result(result)
