"""A session that gathers runs into batches before the session of the graph."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from model_server.batching.merging import join, merge, request_rows, rows_of, split
from model_server.batching.parameters import BatchingParameters
from model_server.batching.scheduler import Batch, BatchQueue, BatchScheduler, Task
from model_server.engine.session import GraphSession
from model_server.engine.tensor import NativeTensor, Tensor
from model_server.metrics import BatchingMetrics
from model_server.status import Code, StatusError

logger = logging.getLogger(__name__)

_Names = tuple[str, ...]


class BatchingSession:
    """Batches the runs of one version: a queue for each set of inputs and set of outputs.

    Args:
        wrapped: Runs the batches.
        parameters: Sizes, patience, padding.
        scheduler: The threads, shared with other versions.
        metrics: Counts batches.
    """

    def __init__(
        self,
        wrapped: GraphSession,
        parameters: BatchingParameters,
        *,
        scheduler: BatchScheduler,
        metrics: BatchingMetrics,
    ) -> None:
        self._wrapped = wrapped
        self._parameters = parameters
        self._scheduler = scheduler
        self._metrics = metrics
        self._queues: dict[tuple[_Names, _Names], BatchQueue] = {}
        self._lock = threading.Lock()

    def run(
        self, feeds: Mapping[str, NativeTensor], fetches: Sequence[str], *, timeout_ms: int | None
    ) -> Sequence[Tensor]:
        """Waits for a batch, runs with it, and returns this request's rows of the outputs.

        Raises:
            StatusError: For a request that cannot be batched, for a full queue, and whatever the
                run of the whole batch fails with.
        """
        rows = request_rows(list(feeds.values()))
        for _ in feeds:
            self._metrics.input_batch_size.observe(rows)
        wanted = tuple(sorted(set(fetches)))
        deadline = None if timeout_ms is None else time.monotonic() + timeout_ms / 1000
        queue = self._queue((tuple(sorted(feeds)), wanted))
        parts = self._scheduler.submit(queue, Task(feeds, rows, deadline=deadline))
        outputs = dict(zip(wanted, join([part.answer.result() for part in parts]), strict=True))
        return [outputs[name] for name in fetches]

    def cancel(self) -> None:
        """Cancels what still runs; later runs fail."""
        self._wrapped.cancel()

    def close(self) -> None:
        """Frees everything. No run may be under way or follow."""
        with self._lock:
            for queue in self._queues.values():
                self._scheduler.remove_queue(queue)
            self._queues.clear()
        self._wrapped.close()

    def _queue(self, key: tuple[_Names, _Names]) -> BatchQueue:
        with self._lock:
            queue = self._queues.get(key)
            if queue is None:
                feeds, fetches = key
                queue = BatchQueue(
                    self._parameters, lambda batch: self._process(batch, feeds, fetches)
                )
                self._queues[key] = queue
                self._scheduler.add_queue(queue)
            return queue

    def _process(self, batch: Batch, feeds: _Names, fetches: _Names) -> None:
        """Runs a batch; whatever goes wrong goes to all of its requests."""
        answers = [task.answer for task in batch]
        try:
            outputs = self._run_batch(batch, feeds, fetches)
        except StatusError as error:
            _fail(answers, error)
        except Exception as error:  # a thread that dies would leave its requests waiting for ever
            logger.exception("A batch failed")
            _fail(answers, StatusError(Code.INTERNAL, f"{type(error).__name__}: {error}"))
        else:
            for answer, output in zip(answers, outputs, strict=True):
                answer.set_result(output)

    def _run_batch(self, batch: Batch, feeds: _Names, fetches: _Names) -> list[list[Tensor]]:
        timeout_ms = _longest_timeout_ms(batch)
        for task in batch:
            waited_s = time.monotonic() - task.enqueued_at
            self._metrics.queuing_latency.observe(waited_s * 1e6, self._parameters.thread_pool_name)
        counts = [task.rows for task in batch]
        total = sum(counts)
        rows = self._parameters.rounded(total)
        self._metrics.processed_batch_size.observe(rows)
        self._metrics.padding_size.observe(rows - total, str(rows))
        inputs = {
            name: merge(
                name,
                [rows_of(task.feeds[name], task.first_row, task.rows) for task in batch],
                rows=rows,
                pad=self._parameters.pad_variable_length_inputs,
            )
            for name in feeds
        }
        self._metrics.wrapped_run_count.increment()
        outputs = self._wrapped.run(inputs, fetches, timeout_ms=timeout_ms)
        return split(outputs, counts, rows=rows if total else 0)


def _longest_timeout_ms(batch: Batch) -> int | None:
    """How long the most patient request of a batch still waits; None: for ever.

    Raises:
        StatusError: RESOURCE_EXHAUSTED when the patience of all of them has ended.
    """
    deadlines = [task.deadline for task in batch]
    if None in deadlines:
        return None
    remaining_s = max(deadline for deadline in deadlines if deadline is not None) - time.monotonic()
    if remaining_s <= 0:
        raise StatusError(
            Code.RESOURCE_EXHAUSTED, "Run() timeout exceeded while waiting in batching queue"
        )
    return max(1, int(remaining_s * 1000))


def _fail(answers: Sequence[Future[list[Tensor]]], error: StatusError) -> None:
    for answer in answers:
        answer.set_exception(StatusError(error.code, error.message))
