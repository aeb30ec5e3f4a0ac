from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from model_server.batching.parameters import BatchingParameters
from model_server.batching.scheduler import BatchScheduler
from model_server.batching.session import BatchingSession
from model_server.engine.arrays import native, view
from model_server.engine.tensor import NativeTensor, Tensor
from model_server.messages import types_pb2
from model_server.metrics import BatchingMetrics
from model_server.status import Code, StatusError

INT32 = int(types_pb2.DT_INT32)


class EchoSession:
    """Answers with its input, once it may; remembers timeouts and rows."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.running = threading.Event()
        self.timeouts_ms: list[int | None] = []
        self.rows: list[int] = []

    def run(
        self, feeds: Mapping[str, NativeTensor], fetches: Sequence[str], *, timeout_ms: int | None
    ) -> Sequence[Tensor]:
        self.running.set()
        self.free.wait(10)
        self.timeouts_ms.append(timeout_ms)
        self.rows.append(feeds["x"].shape[0])
        return [feeds["x"] for _ in fetches]

    def cancel(self) -> None:
        self.free.set()

    def close(self) -> None:
        self.cancel()


@pytest.fixture
def scheduler() -> Iterator[BatchScheduler]:
    threads = BatchScheduler(1)
    yield threads
    threads.stop()


@pytest.fixture
def callers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def batching(echo: EchoSession, scheduler: BatchScheduler, rows: int) -> BatchingSession:
    parameters = BatchingParameters(max_batch_size=rows, batch_timeout_s=5)
    return BatchingSession(echo, parameters, scheduler=scheduler, metrics=BatchingMetrics())


def numbers(*values: int) -> dict[str, NativeTensor]:
    return {"x": native(INT32, np.array(values, "<u4"))}


def test_each_request_gets_its_rows(scheduler: BatchScheduler, callers: ThreadPoolExecutor) -> None:
    echo = EchoSession()
    echo.free.set()
    session = batching(echo, scheduler, rows=3)
    first = callers.submit(session.run, numbers(1, 2), ["y"], timeout_ms=None)
    second = callers.submit(session.run, numbers(3), ["y", "y"], timeout_ms=None)
    assert view(first.result(10)[0]).tolist() == [1, 2]
    assert [view(tensor).tolist() for tensor in second.result(10)] == [[3], [3]]
    assert echo.rows == [3]


def test_a_batch_runs_as_long_as_its_most_patient_request(
    scheduler: BatchScheduler, callers: ThreadPoolExecutor
) -> None:
    echo = EchoSession()
    echo.free.set()
    session = batching(echo, scheduler, rows=2)
    for timeouts in ((1_000, 60_000), (1_000, None)):
        calls = [
            callers.submit(session.run, numbers(1), ["y"], timeout_ms=timeout_ms)
            for timeout_ms in timeouts
        ]
        for call in calls:
            call.result(10)
    longest, endless = echo.timeouts_ms
    assert longest is not None
    assert 50_000 < longest <= 60_000
    assert endless is None


def test_a_batch_whose_requests_have_all_expired_is_dropped(
    scheduler: BatchScheduler, callers: ThreadPoolExecutor
) -> None:
    echo = EchoSession()
    session = batching(echo, scheduler, rows=1)
    blocking = callers.submit(session.run, numbers(1), ["y"], timeout_ms=None)
    assert echo.running.wait(10)
    expired = callers.submit(session.run, numbers(2), ["y"], timeout_ms=1)
    threading.Event().wait(0.1)
    echo.free.set()
    with pytest.raises(StatusError) as caught:
        expired.result(10)
    assert caught.value.code is Code.RESOURCE_EXHAUSTED
    assert caught.value.message == "Run() timeout exceeded while waiting in batching queue"
    blocking.result(10)
    assert echo.rows == [1]


def test_an_unforeseen_failure_reaches_the_caller_and_the_thread_lives(
    scheduler: BatchScheduler,
) -> None:
    session = batching(EchoSession(), scheduler, rows=1)
    with pytest.raises(StatusError, match="KeyError") as caught:
        session.run({"z": numbers(1)["x"]}, ["y"], timeout_ms=None)
    assert caught.value.code is Code.INTERNAL
    echo = EchoSession()
    echo.free.set()
    assert len(batching(echo, scheduler, rows=1).run(numbers(1), ["y"], timeout_ms=None)) == 1


def test_a_run_without_inputs_is_refused(scheduler: BatchScheduler) -> None:
    with pytest.raises(StatusError, match="must have at least one input tensor"):
        batching(EchoSession(), scheduler, rows=1).run({}, ["y"], timeout_ms=None)
