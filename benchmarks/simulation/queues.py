"""The queues that are compared: the gateway's own, FIFO with padding, TensorFlow Serving's."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from benchmarks.simulation.arrivals import Request
from service.batching.batch_time import BatchSize
from service.batching.policy import size_of
from service.batching.rules import SchedulingRules
from service.batching.scheduler import Batch, BatchScheduler
from service.errors import OverloadedError, ServiceError


@dataclass(frozen=True, eq=False)
class Run:
    """A batch that leaves for the model.

    Attributes:
        requests: What travels.
        size: What the model computes, added rows included.
        batch: The scheduler's own batch, if it has one.
    """

    requests: Sequence[Request]
    size: BatchSize
    batch: Batch[Request] | None = None


class RequestQueue(Protocol):
    """A queue before a model. Ask it for runs after everything that happens."""

    wake_at: float | None

    def arrive(self, request: Request, now: float) -> bool:
        """Takes a request in; false if it is refused."""

    def next_run(self, now: float) -> Run | None:
        """What leaves now; None if nothing does."""

    def ended(self, run: Run, now: float) -> None:
        """A run came back."""


class HeedQueue:
    """The gateway's scheduler, the very class that serves.

    Attributes:
        late: Requests that were dropped because of their deadline.
    """

    def __init__(self, rules: SchedulingRules) -> None:
        self.late: list[Request] = []
        self._scheduler: BatchScheduler[Request] = BatchScheduler(rules, on_late=self._note_late)

    @property
    def wake_at(self) -> float | None:
        """When to ask again although nothing happens."""
        return self._scheduler.wake_at

    def arrive(self, request: Request, now: float) -> bool:
        """Takes a request in; false if it is refused."""
        try:
            self._scheduler.admit([request], now)
        except OverloadedError:
            return False
        return True

    def next_run(self, now: float) -> Run | None:
        """What leaves now; None if nothing does."""
        batch = self._scheduler.next_batch(now)
        return None if batch is None else Run(batch.rows, batch.size, batch)

    def ended(self, run: Run, now: float) -> None:
        """A run came back."""
        if run.batch is not None:
            self._scheduler.ended(run.batch, now, is_answered=True)

    def _note_late(self, request: Request, _: ServiceError) -> None:
        self.late.append(request)


@dataclass
class FifoQueue:
    """Whoever came first goes first, padded to the longest of his batch.

    It sends as soon as a run is free, like the gateway, and keeps the same bounds.
    """

    rules: SchedulingRules
    in_flight: int
    wake_at: float | None = None
    _waiting: deque[Request] = field(default_factory=deque)
    _waiting_tokens: int = 0
    _running: int = 0

    def arrive(self, request: Request, now: float) -> bool:
        """Takes a request in; false if it is refused."""
        tokens = self._waiting_tokens + request.length
        if self._waiting and tokens > self.rules.max_queue_tokens:
            return False
        self._waiting.append(request)
        self._waiting_tokens += request.length
        return True

    def next_run(self, now: float) -> Run | None:
        """What leaves now; None if nothing does."""
        if self._running >= self.in_flight or not self._waiting:
            return None
        batch = [self._waiting.popleft()]
        limits = self.rules.limits
        while self._waiting and len(batch) < limits.max_rows:
            if size_of([*batch, self._waiting[0]]).padded_tokens > limits.max_tokens:
                break
            batch.append(self._waiting.popleft())
        self._waiting_tokens -= sum(request.length for request in batch)
        self._running += 1
        return Run(batch, size_of(batch))

    def ended(self, run: Run, now: float) -> None:
        """A run came back."""
        self._running -= 1


@dataclass(frozen=True)
class ServingParameters:
    """TensorFlow Serving's batching parameters, by their own names.

    Attributes:
        max_batch_size: The most rows of a batch.
        batch_timeout_micros: How long a batch that is not full waits from its first request on.
        max_enqueued_batches: Batches that may wait, the open one included.
        num_batch_threads: Batches run at once.
        allowed_batch_sizes: Rows are added up to the next of these; empty: none are.
    """

    max_batch_size: int = 128
    batch_timeout_micros: int = 2000
    max_enqueued_batches: int = 10
    num_batch_threads: int = 2
    allowed_batch_sizes: tuple[int, ...] = ()


class ServingQueue:
    """TensorFlow Serving's own batching, every request a Predict of its own.

    A batch closes when it has max_batch_size rows, or when its timeout has passed since its first
    request and a thread is free. All of it is padded to its longest. When the open and the closed
    batches that wait are as many as allowed and the request fits none, it is refused.
    """

    def __init__(self, parameters: ServingParameters) -> None:
        self._parameters = parameters
        self._batches: deque[list[Request]] = deque()
        self._running = 0
        self.wake_at: float | None = None

    def arrive(self, request: Request, now: float) -> bool:
        """Takes a request in; false if it is refused."""
        if not self._batches or self._is_full(self._batches[-1]):
            if len(self._batches) >= self._parameters.max_enqueued_batches:
                return False
            self._batches.append([])
        self._batches[-1].append(request)
        return True

    def next_run(self, now: float) -> Run | None:
        """What leaves now; None if nothing does."""
        self.wake_at = None
        if not self._batches or self._running >= self._parameters.num_batch_threads:
            return None
        first = self._batches[0]
        due_at = first[0].arrival + self._parameters.batch_timeout_micros / 1e6
        if not self._is_full(first) and now < due_at:
            self.wake_at = due_at
            return None
        self._batches.popleft()
        self._running += 1
        return Run(first, BatchSize(self._rows(len(first)), size_of(first).longest))

    def ended(self, run: Run, now: float) -> None:
        """A run came back."""
        self._running -= 1

    def _is_full(self, batch: Sequence[Request]) -> bool:
        return len(batch) >= self._parameters.max_batch_size

    def _rows(self, count: int) -> int:
        sizes = [size for size in self._parameters.allowed_batch_sizes if size >= count]
        return min(sizes, default=count)
