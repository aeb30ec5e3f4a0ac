"""Callers that leave, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from service.batching.batcher import Batcher
from service.batching.policy import BatchLimits
from service.batching.rules import SchedulingRules
from tests.support.timed_predictor import TimedPredictor, timed_row
from tests.support.virtual_time import run_in_virtual_time

RULES = SchedulingRules(
    BatchLimits(max_tokens=64, max_rows=8), max_queue_tokens=10_000, max_in_flight=1
)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_batch_that_nobody_waits_for_is_cancelled_and_its_place_is_given_away() -> None:
    async def scenario() -> tuple[int, float]:
        predictor = TimedPredictor(fixed_s=40.0)
        batcher = Batcher(predictor, RULES, max_predict_s=60.0)
        task = asyncio.create_task(batcher.run())
        left = [timed_row(1), timed_row(2)]
        batcher.submit(left)
        await settle()
        predictor.fixed_s = 0.1
        stays = timed_row(3)
        batcher.submit([stays])
        for row in left:
            row.answer.cancel()
        answer = await stays.answer
        task.cancel()
        return predictor.cancelled, answer.queue_s

    cancelled, queue_s = run_in_virtual_time(scenario())
    assert cancelled == 1
    assert queue_s == pytest.approx(1.0), "the model server is given a while to end it"


def test_a_batch_goes_on_while_one_of_its_callers_waits() -> None:
    async def scenario() -> tuple[int, float]:
        predictor = TimedPredictor(fixed_s=1.0)
        batcher = Batcher(predictor, RULES, max_predict_s=60.0)
        task = asyncio.create_task(batcher.run())
        rows = [timed_row(number) for number in range(8)]
        batcher.submit(rows)
        await settle()
        for row in rows[:-1]:
            row.answer.cancel()
        answer = await rows[-1].answer
        task.cancel()
        return predictor.cancelled, float(answer.outputs["scores"])

    assert run_in_virtual_time(scenario()) == (0, 7.0)


def test_a_thousand_cancelled_calls_in_a_second_do_not_flood_the_model_server() -> None:
    async def scenario() -> tuple[int, int, float]:
        predictor = TimedPredictor(fixed_s=0.1)
        batcher = Batcher(predictor, RULES, max_predict_s=60.0)
        task = asyncio.create_task(batcher.run())
        for _ in range(20):
            row = timed_row(0)
            batcher.submit([row])
            await row.answer
        sent = len(predictor.batches)
        for _ in range(1000):
            row = timed_row(1)
            batcher.submit([row])
            await asyncio.sleep(0.001)
            row.answer.cancel()
        stays = timed_row(2)
        batcher.submit([stays])
        answer = await stays.answer
        assert batcher.waiting_tokens == 0
        task.cancel()
        return len(predictor.batches) - sent, predictor.cancelled, answer.queue_s

    sent, cancelled, queue_s = run_in_virtual_time(scenario())
    assert sent <= 12, "a place is free when the model server is done, not when the caller leaves"
    assert cancelled >= sent - 2
    assert queue_s <= 0.11


def test_the_end_of_the_batcher_ends_every_row() -> None:
    async def scenario() -> list[bool]:
        batcher = Batcher(TimedPredictor(fixed_s=9.0), RULES, max_predict_s=60.0)
        task = asyncio.create_task(batcher.run())
        rows = [timed_row(1), timed_row(2)]
        batcher.submit(rows)
        await settle()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return [row.answer.cancelled() for row in rows]

    assert run_in_virtual_time(scenario()) == [True, True]
