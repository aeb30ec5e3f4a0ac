from __future__ import annotations

import queue
import threading

import pytest

from model_server.batching.parameters import BatchingParameters
from model_server.batching.scheduler import Batch, BatchQueue, BatchScheduler, Task
from model_server.status import Code, StatusError


def task(rows: int) -> Task:
    return Task({}, rows)


def nothing(batch: Batch) -> None:
    """For queues whose batches are taken by hand."""


def sizes(batch: Batch) -> list[int]:
    return [queued.rows for queued in batch]


def test_a_batch_is_ready_when_its_first_request_has_waited_long_enough() -> None:
    waiting = BatchQueue(BatchingParameters(max_batch_size=4, batch_timeout_s=2), nothing)
    assert waiting.ready_at() is None
    waiting.add(task(1), now=10)
    waiting.add(task(2), now=11)
    assert waiting.ready_at() == 12
    assert sizes(waiting.take()) == [1, 2]
    assert waiting.ready_at() is None


def test_a_full_batch_is_ready_at_once() -> None:
    waiting = BatchQueue(BatchingParameters(max_batch_size=4, batch_timeout_s=2), nothing)
    waiting.add(task(1), now=10)
    waiting.add(task(3), now=10)
    assert waiting.ready_at() == 0


def test_a_request_that_does_not_fit_closes_the_batch() -> None:
    waiting = BatchQueue(BatchingParameters(max_batch_size=4, batch_timeout_s=2), nothing)
    for rows in (3, 2, 1):
        waiting.add(task(rows), now=10)
    assert waiting.ready_at() == 0
    assert sizes(waiting.take()) == [3]
    assert waiting.ready_at() == 12
    assert sizes(waiting.take()) == [2, 1]


def test_a_full_queue_takes_what_still_fits() -> None:
    parameters = BatchingParameters(max_batch_size=4, max_enqueued_batches=2)
    waiting = BatchQueue(parameters, nothing)
    waiting.add(task(3), now=0)
    waiting.add(task(3), now=0)
    with pytest.raises(StatusError, match="currently 2 batches enqueued") as caught:
        waiting.add(task(2), now=0)
    assert caught.value.code is Code.UNAVAILABLE
    waiting.add(task(1), now=0)
    assert [sizes(waiting.take()), sizes(waiting.take())] == [[3], [3, 1]]


def test_a_cut_request_fills_the_open_batch_first() -> None:
    parameters = BatchingParameters(max_batch_size=9, max_execution_batch_size=3)
    waiting = BatchQueue(parameters, nothing)
    waiting.add(task(2), now=0)
    parts = waiting.add(task(6), now=0)
    assert [(part.first_row, part.rows) for part in parts] == [(0, 1), (1, 3), (4, 2)]
    assert [sizes(waiting.take()) for _ in range(3)] == [[2, 1], [3], [2]]


def test_a_request_is_cut_evenly_behind_a_full_batch() -> None:
    parameters = BatchingParameters(max_batch_size=9, max_execution_batch_size=3)
    waiting = BatchQueue(parameters, nothing)
    waiting.add(task(3), now=0)
    parts = waiting.add(task(4), now=0)
    assert [(part.first_row, part.rows) for part in parts] == [(0, 3), (3, 1)]


def test_threads_serve_queues_in_turns() -> None:
    order: queue.Queue[str] = queue.Queue()
    blocked, running = threading.Event(), threading.Event()

    def block(batch: Batch) -> None:
        running.set()
        blocked.wait(10)

    scheduler = BatchScheduler(1)
    parameters = BatchingParameters(max_batch_size=1)
    blocker = BatchQueue(parameters, block)
    first = BatchQueue(parameters, lambda batch: order.put("first"))
    second = BatchQueue(parameters, lambda batch: order.put("second"))
    try:
        for added in (blocker, first, second):
            scheduler.add_queue(added)
        scheduler.submit(blocker, task(1))
        assert running.wait(10)
        for _ in range(3):
            scheduler.submit(first, task(1))
        scheduler.submit(second, task(1))
        blocked.set()
        assert [order.get(timeout=10) for _ in range(4)] == ["first", "second", "first", "first"]
    finally:
        blocked.set()
        scheduler.stop()


def test_several_threads_wait_for_several_queues() -> None:
    done: queue.Queue[int] = queue.Queue()
    scheduler = BatchScheduler(2)
    parameters = BatchingParameters(max_batch_size=4, batch_timeout_s=0.05)
    queues = [BatchQueue(parameters, lambda batch: done.put(len(batch))) for _ in range(4)]
    try:
        for added in queues:
            scheduler.add_queue(added)
        for _ in range(5):
            for added in queues:
                scheduler.submit(added, task(1))
        assert sum(done.get(timeout=10) for _ in range(8)) == 20
    finally:
        scheduler.stop()
