"""Queues of requests that become batches, and the threads that run them.

A batch closes when it is full, when the next request does not fit, or when its first request has
waited long enough and a thread is free. The threads are shared by all queues, in turns.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from itertools import pairwise

from model_server.batching.parameters import BatchingParameters
from model_server.engine.tensor import Tensor
from model_server.status import Code, StatusError

_FULL = "The batch scheduling queue to which this task was submitted is full; "


@dataclass(frozen=True, eq=False)
class Task:
    """One request, or a part of one, on its way through the queue.

    Attributes:
        feeds: Tensor name to value; every value has the task's rows.
        first_row: The first of the values' rows that belongs to this task.
        rows: How many rows belong to it.
        deadline: The end of the caller's patience, on the monotonic clock; None: no end.
        enqueued_at: When it was made, on the same clock.
        answer: Receives the outputs, one tensor per fetch.
    """

    feeds: Mapping[str, Tensor]
    rows: int
    first_row: int = 0
    deadline: float | None = None
    enqueued_at: float = field(default_factory=time.monotonic)
    answer: Future[list[Tensor]] = field(default_factory=Future)

    def part(self, first_row: int, rows: int) -> Task:
        """Some of its rows as a task of their own."""
        return replace(self, first_row=first_row, rows=rows, answer=Future())


Batch = Sequence[Task]
Process = Callable[[Batch], None]


class BatchQueue:
    """The batches of one kind of request. Only the scheduler calls it, under its lock.

    Args:
        parameters: Sizes, patience and capacity.
        process: Runs a batch and settles the answers of its tasks; must not raise.
    """

    def __init__(self, parameters: BatchingParameters, process: Process) -> None:
        self.process = process
        self._parameters = parameters
        self._closed: deque[Batch] = deque()
        self._open: list[Task] = []
        self._open_rows = 0
        self._open_since = 0.0

    def add(self, task: Task, *, now: float) -> list[Task]:
        """Puts a task into the open batch, or into a new one; or all its parts, if it may be cut.

        Returns:
            The parts that were queued, in the order of their rows: one unless it was cut.

        Raises:
            StatusError: INVALID_ARGUMENT for too many rows, UNAVAILABLE when the queue is full.
                Nothing was queued then.
        """
        limit = self._parameters.max_batch_size
        if task.rows > limit:
            raise StatusError(
                Code.INVALID_ARGUMENT,
                f"Task size {task.rows} is larger than maximum input batch size {limit}",
            )
        if self._parameters.max_execution_batch_size is None:
            self._check_capacity(task)
            parts = [task]
        else:
            self._check_capacity_for_parts(task)
            parts = self._cut(task)
        for part in parts:
            self._append(part, now=now)
        return parts

    def ready_at(self) -> float | None:
        """When there is a batch to take, on the monotonic clock; None: nothing waits."""
        if self._closed:
            return 0.0
        if not self._open:
            return None
        if self._open_rows >= self._parameters.rows_per_run:
            return 0.0
        return self._open_since + self._parameters.batch_timeout_s

    def take(self) -> Batch:
        """Removes the oldest batch; only when `ready_at` has come."""
        if not self._closed:
            self._close()
        return self._closed.popleft()

    def _check_capacity(self, task: Task) -> None:
        fits = self._open_rows + task.rows <= self._parameters.max_batch_size
        enqueued, most = len(self._closed) + 1, self._parameters.max_enqueued_batches
        if not fits and enqueued >= most:
            raise StatusError(
                Code.UNAVAILABLE,
                f"{_FULL}currently {enqueued} batches enqueued and max_enqueued_batches is {most}",
            )

    def _check_capacity_for_parts(self, task: Task) -> None:
        enqueued, most = len(self._closed) + 1, self._parameters.max_enqueued_batches
        rows_per_run = self._parameters.rows_per_run
        capacity = (most - enqueued) * rows_per_run + rows_per_run - self._open_rows
        if task.rows > capacity:
            raise StatusError(
                Code.UNAVAILABLE,
                f"{_FULL}task size is {task.rows} but scheduling capacity is only {capacity} "
                f"(num_enqueued_batches={enqueued}, max_enqueued_batches={most}, "
                f"open_batch_size={self._open_rows}, max_execution_batch_size={rows_per_run})",
            )

    def _cut(self, task: Task) -> list[Task]:
        """The task in parts: what fills the open batch first, then whole batches."""
        rows_per_run = self._parameters.rows_per_run
        free = rows_per_run - self._open_rows
        if task.rows <= free:
            return [task]
        bounds = [0, *range(free, task.rows, rows_per_run), task.rows]
        spans = [(first, end) for first, end in pairwise(bounds) if end > first]
        return [task.part(first, end - first) for first, end in spans]

    def _append(self, task: Task, *, now: float) -> None:
        if self._open and self._open_rows + task.rows > self._parameters.rows_per_run:
            self._close()
        if not self._open:
            self._open_since = now
        self._open.append(task)
        self._open_rows += task.rows

    def _close(self) -> None:
        self._closed.append(self._open)
        self._open, self._open_rows = [], 0


class BatchScheduler:
    """The threads that run batches, in turns over all queues.

    Args:
        threads: How many batches run at once, 1 or more.
        clock: The monotonic clock, in seconds.
    """

    def __init__(self, threads: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._queues: deque[BatchQueue] = deque()
        self._stopping = False
        self._threads = [
            threading.Thread(target=self._run, name=f"batch-{index}", daemon=True)
            for index in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def add_queue(self, queue: BatchQueue) -> None:
        """Serves one more queue."""
        with self._changed:
            self._queues.append(queue)

    def remove_queue(self, queue: BatchQueue) -> None:
        """Forgets a queue; nothing may wait in it."""
        with self._changed:
            self._queues.remove(queue)

    def submit(self, queue: BatchQueue, task: Task) -> list[Task]:
        """Queues a task; see `BatchQueue.add`."""
        with self._changed:
            parts = queue.add(task, now=self._clock())
            self._changed.notify(len(parts))
            return parts

    def stop(self) -> None:
        """Ends the threads; batches that still wait are not run."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (found := self._next_batch()) is not None:
            process, batch = found
            process(batch)
            del found, process, batch  # so that an idle thread keeps no tensors alive

    def _next_batch(self) -> tuple[Process, Batch] | None:
        """Waits for a batch and takes it; None when the scheduler stops."""
        with self._changed:
            while not self._stopping:
                wait_s = self._seconds_to_next()
                if wait_s is not None and wait_s <= 0 and (found := self._take()):
                    if self._seconds_to_next() is not None:
                        self._changed.notify()  # so that another thread watches over the rest
                    return found
                self._changed.wait(wait_s)
            return None

    def _seconds_to_next(self) -> float | None:
        times = [ready for queue in self._queues if (ready := queue.ready_at()) is not None]
        return min(times) - self._clock() if times else None

    def _take(self) -> tuple[Process, Batch] | None:
        now = self._clock()
        for _ in range(len(self._queues)):
            queue = self._queues[0]
            self._queues.rotate(-1)
            ready = queue.ready_at()
            if ready is not None and ready <= now:
                return queue.process, queue.take()
        return None
