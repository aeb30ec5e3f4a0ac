"""The batcher with a predictor whose answers the test releases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import numpy as np
import pytest

from heed.contract import Signature
from service.batching.batcher import Batcher, QueuedRow, RowAnswer
from service.batching.policy import BatchLimits
from service.batching.rules import SchedulingRules
from service.domain.models import VersionKey
from service.domain.signatures import PredictTarget
from service.errors import (
    DeadlinePassedError,
    InternalError,
    ModelAnswerError,
    ModelRejectedInputError,
    ModelServerUnreachableError,
    QueueFullError,
    Stage,
)
from tests.support.timed_predictor import TimedPredictor, timed_row
from tests.support.virtual_time import VirtualTimeLoop, run_in_virtual_time

TARGET = PredictTarget(VersionKey("m", 1), Signature.SCORE, ("scores",))
POISON = 99


class HeldPredictor:
    """Answers each row with its own token, when it is let go."""

    def __init__(self) -> None:
        self.batches: list[list[list[int]]] = []
        self.timeouts: list[float] = []
        self.gate = asyncio.Event()
        self.failure: Exception | None = None
        self.lost_rows = 0

    async def predict(
        self, target: PredictTarget, inputs: Mapping[str, Any], *, timeout_s: float
    ) -> Mapping[str, Any]:
        self.batches.append(inputs["tokens"].tolist())
        self.timeouts.append(timeout_s)
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        if POISON in inputs["tokens"]:
            raise ModelRejectedInputError("no")
        scores = inputs["tokens"][:, 0].astype(np.float32)
        return {"scores": scores[self.lost_rows :]}


@pytest.fixture
def predictor() -> HeldPredictor:
    return HeldPredictor()


@pytest.fixture
async def batcher(predictor: HeldPredictor) -> AsyncIterator[Batcher]:
    rules = SchedulingRules(
        BatchLimits(max_tokens=64, max_rows=8), max_queue_tokens=20, max_in_flight=1, max_wait_s=0.0
    )
    batcher = Batcher(predictor, rules, max_predict_s=30.0)
    task = asyncio.create_task(batcher.run())
    yield batcher
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def row(token: int, *, length: int = 1, deadline: float | None = None) -> QueuedRow:
    future: asyncio.Future[RowAnswer] = asyncio.get_running_loop().create_future()
    inputs = {"tokens": np.full(length, token, np.int32)}
    return QueuedRow(TARGET, inputs, length, deadline, future)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_lone_row_leaves_at_once(batcher: Batcher, predictor: HeldPredictor) -> None:
    batcher.submit([row(5)])
    await settle()
    assert predictor.batches == [[[5]]]


async def test_rows_gather_while_the_model_server_is_busy(
    batcher: Batcher, predictor: HeldPredictor
) -> None:
    rows = [row(token) for token in range(5)]
    for each in rows:
        batcher.submit([each])
        await settle()
    predictor.gate.set()
    answers = await asyncio.gather(*(each.answer for each in rows))
    assert predictor.batches == [[[0]], [[1], [2], [3], [4]]]
    assert [float(answer.outputs["scores"]) for answer in answers] == [0, 1, 2, 3, 4]
    assert all(answer.model_s > 0 for answer in answers)


async def test_a_full_queue_takes_all_rows_of_a_call_or_none(
    batcher: Batcher, predictor: HeldPredictor
) -> None:
    batcher.submit([row(1)])
    await settle()
    batcher.submit([row(2, length=15)])
    with pytest.raises(QueueFullError, match="15 tokens wait, 20 are allowed") as refused:
        batcher.submit([row(3, length=3), row(4, length=3)])
    assert refused.value.retry_after_s == 1.0
    assert batcher.waiting_tokens == 15
    batcher.submit([row(5, length=5)])


async def test_rows_that_finish_an_admitted_call_are_not_refused(
    batcher: Batcher, predictor: HeldPredictor
) -> None:
    batcher.submit([row(1)])
    await settle()
    batcher.submit([row(2, length=20)])
    last = row(3, length=5)
    batcher.submit([last], is_admitted=True)
    predictor.gate.set()
    assert float((await last.answer).outputs["scores"]) == 3


async def test_an_empty_queue_takes_a_call_of_any_size(batcher: Batcher) -> None:
    batcher.submit([row(1, length=500)])


async def test_a_caller_that_leaves_makes_room_and_harms_nobody(
    batcher: Batcher, predictor: HeldPredictor
) -> None:
    batcher.submit([row(1)])
    await settle()
    left, stays = row(2, length=10), row(3, length=10)
    batcher.submit([left, stays])
    left.answer.cancel()
    await settle()
    assert batcher.waiting_tokens == 10
    predictor.gate.set()
    assert float((await stays.answer).outputs["scores"]) == 3
    assert batcher.waiting_tokens == 0
    assert len(predictor.batches) == 2


async def test_a_row_whose_deadline_passed_in_the_queue_costs_the_model_nothing(
    batcher: Batcher, predictor: HeldPredictor
) -> None:
    now = asyncio.get_running_loop().time()
    batcher.submit([row(1)])
    await settle()
    late, early = row(2, deadline=now - 1), row(3, deadline=now + 60)
    batcher.submit([late, early])
    predictor.gate.set()
    with pytest.raises(DeadlinePassedError) as error:
        await late.answer
    assert error.value.metadata["stage"] == Stage.QUEUE
    await early.answer
    assert predictor.batches == [[[1]], [[3]]]


async def test_predict_gets_the_longest_remaining_time_of_its_rows(
    batcher: Batcher, predictor: HeldPredictor
) -> None:
    now = asyncio.get_running_loop().time()
    predictor.gate.set()
    rows = [row(1, deadline=now + 2), row(2, deadline=now + 5)]
    batcher.submit(rows)
    await asyncio.gather(*(each.answer for each in rows))
    unlimited = row(3)
    batcher.submit([unlimited])
    await unlimited.answer
    assert predictor.timeouts == [pytest.approx(5, abs=0.5), pytest.approx(30, abs=0.5)]


async def test_a_row_that_the_model_rejects_fails_alone(
    batcher: Batcher, predictor: HeldPredictor
) -> None:
    predictor.gate.set()
    rows = [row(token) for token in (1, 2, POISON, 4, 5)]
    batcher.submit(rows)
    results = await asyncio.gather(*(each.answer for each in rows), return_exceptions=True)
    assert [isinstance(result, ModelRejectedInputError) for result in results] == [
        *(False, False, True, False, False)
    ]


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (ModelServerUnreachableError("m"), ModelServerUnreachableError),
        (ZeroDivisionError("a fault of ours"), InternalError),
    ],
)
async def test_a_batch_that_fails_answers_every_row(
    batcher: Batcher, predictor: HeldPredictor, failure: Exception, expected: type[Exception]
) -> None:
    predictor.failure = failure
    predictor.gate.set()
    rows = [row(1), row(2)]
    batcher.submit(rows)
    results = await asyncio.gather(*(each.answer for each in rows), return_exceptions=True)
    assert [type(result) for result in results] == [expected, expected]
    predictor.failure = None
    again = row(3)
    batcher.submit([again])
    assert float((await again.answer).outputs["scores"]) == 3


async def test_an_answer_with_rows_missing_fails_the_batch(
    batcher: Batcher, predictor: HeldPredictor
) -> None:
    predictor.lost_rows = 1
    predictor.gate.set()
    rows = [row(1), row(2)]
    batcher.submit(rows)
    with pytest.raises(ModelAnswerError, match="'scores' has 1 rows, expected 2"):
        await rows[1].answer


async def test_a_thousand_cancelled_rows_leave_nothing_behind(
    batcher: Batcher, predictor: HeldPredictor
) -> None:
    batcher.submit([row(1)])
    await settle()
    for _ in range(1000):
        gone = row(2, length=10)
        batcher.submit([gone])
        gone.answer.cancel()
        await asyncio.sleep(0)
    await settle()
    assert batcher.waiting_tokens == 0
    predictor.gate.set()
    last = row(3)
    batcher.submit([last])
    await last.answer
    assert len(predictor.batches) == 2


async def test_the_next_batch_leaves_before_callers_work_on_their_answers(
    batcher: Batcher, predictor: HeldPredictor
) -> None:
    batches_seen = []

    async def ask(token: int) -> None:
        each = row(token)
        batcher.submit([each])
        await each.answer
        batches_seen.append(len(predictor.batches))

    calls = [asyncio.create_task(ask(1))]
    await settle()
    calls += [asyncio.create_task(ask(token)) for token in (2, 3)]
    await settle()
    predictor.gate.set()
    await asyncio.gather(*calls)
    assert batches_seen == [2, 2, 2]


@pytest.mark.parametrize(
    ("turn_s", "batches"),
    [(0.0, [[1], [2], [3], [4]]), (0.0015, [[1, 2, 3], [4]])],
    ids=["an idle loop", "a busy loop"],
)
def test_a_busy_event_loop_sends_fewer_batches_and_none_waits_longer_than_allowed(
    turn_s: float, batches: list[list[int]]
) -> None:
    predictor = TimedPredictor(fixed_s=0.0001, workers=8)

    async def scenario() -> list[float]:
        loop = cast("VirtualTimeLoop", asyncio.get_running_loop())
        rules = SchedulingRules(BatchLimits(max_tokens=64, max_rows=8), max_in_flight=8)
        batcher = Batcher(predictor, rules, max_predict_s=30.0)
        running = asyncio.create_task(batcher.run())
        await asyncio.sleep(0)
        rows = []
        for token in range(1, 5):
            rows.append(timed_row(token))
            batcher.submit(rows[-1:])
            loop.compute(turn_s)
            await asyncio.sleep(0 if turn_s else 0.001)
        answers = await asyncio.gather(*(row.answer for row in rows))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return [answer.queue_s for answer in answers]

    waits = run_in_virtual_time(scenario())
    assert predictor.batches == batches
    assert max(waits) <= 0.002 + 3 * turn_s  # the turns in which it leaves count too
