"""The real batcher before a model server of known speed, in virtual time: nothing here is timed."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import pytest

from service.batching.batcher import Batcher
from service.batching.policy import BatchLimits
from service.batching.rules import SchedulingRules
from service.domain.models import VersionKey
from service.domain.requests import Priority
from service.domain.signatures import PredictTarget
from service.errors import OverloadedError
from tests.support.timed_predictor import TARGET, TimedPredictor, timed_row
from tests.support.virtual_time import run_in_virtual_time

RULES = SchedulingRules(BatchLimits(max_tokens=512, max_rows=64), max_queue_tokens=4096)


@dataclass
class Outcome:
    """What became of a load.

    Attributes:
        latencies: Of the calls that were answered, in seconds.
        endings: How many calls ended how: "answered" or an error's class.
        span_s: Seconds from the first call to the last ending.
        tokens: Tokens answered.
    """

    latencies: list[float] = field(default_factory=list)
    endings: Counter[str] = field(default_factory=Counter)
    span_s: float = 0.0
    tokens: int = 0

    def goodput(self) -> float:
        """Tokens answered a second."""
        return self.tokens / self.span_s

    def p99(self) -> float:
        """Seconds that 99 % of the answered calls took at most."""
        return sorted(self.latencies)[math.ceil(0.99 * len(self.latencies)) - 1]


async def ask(
    batcher: Batcher,
    outcome: Outcome,
    *,
    length: int,
    time_left_s: float | None,
    priority: Priority = Priority.INTERACTIVE,
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    deadline = None if time_left_s is None else began + time_left_s
    row = timed_row(7, length=length, deadline=deadline, priority=priority)
    try:
        batcher.submit([row])
        async with asyncio.timeout_at(deadline):
            await row.answer
    except (OverloadedError, TimeoutError) as error:
        outcome.endings[type(error).__name__] += 1
        return
    outcome.endings["answered"] += 1
    outcome.latencies.append(loop.time() - began)
    outcome.tokens += length


async def load(
    rate: float, *, seconds: float = 20.0, time_left_s: float | None = 1.0, seed: int = 1
) -> Outcome:
    """Calls of 4 to 60 tokens at random times, to a model server of 5000 tokens a second."""
    random, outcome = Random(seed), Outcome()
    batcher = Batcher(TimedPredictor(0.01, 0.0002), RULES, max_predict_s=60.0)
    task = asyncio.create_task(batcher.run())
    loop = asyncio.get_running_loop()
    calls, ends_at = [], loop.time() + seconds
    while loop.time() < ends_at:
        length = random.randint(4, 60)
        calls.append(
            asyncio.create_task(ask(batcher, outcome, length=length, time_left_s=time_left_s))
        )
        await asyncio.sleep(random.expovariate(rate))
    await asyncio.gather(*calls)
    outcome.span_s = loop.time()
    assert batcher.waiting_tokens == 0
    assert batcher.batches_in_flight == 0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return outcome


@pytest.fixture(scope="module")
def outcomes() -> dict[float, Outcome]:
    """By load as a share of about what the model server can do at most."""
    return {
        share: run_in_virtual_time(load(share * 130.0, time_left_s=1.0))
        for share in (0.3, 0.8, 1.0, 2.0, 4.0)
    }


def test_every_call_ends_one_way_or_another(outcomes: dict[float, Outcome]) -> None:
    assert all(
        set(outcome.endings)
        <= {"answered", "QueueFullError", "DeadlineOutOfReachError", "TimeoutError"}
        for outcome in outcomes.values()
    )


def test_below_the_capacity_everything_is_answered(outcomes: dict[float, Outcome]) -> None:
    assert set(outcomes[0.3].endings) == {"answered"}


@pytest.mark.parametrize("share", [2.0, 4.0])
def test_goodput_stays_near_its_peak_beyond_the_capacity(
    outcomes: dict[float, Outcome], share: float
) -> None:
    peak = max(outcome.goodput() for outcome in outcomes.values())
    assert outcomes[share].goodput() >= 0.9 * peak


@pytest.mark.parametrize("share", [2.0, 4.0])
def test_what_is_accepted_is_answered_in_time_beyond_the_capacity(
    outcomes: dict[float, Outcome], share: float
) -> None:
    outcome = outcomes[share]
    assert outcome.p99() <= 1.0
    accepted = outcome.endings["answered"] + outcome.endings["TimeoutError"]
    assert outcome.endings["TimeoutError"] <= 0.15 * accepted


def test_without_deadlines_the_queue_bounds_the_wait() -> None:
    outcome = run_in_virtual_time(load(260.0, time_left_s=None))
    assert set(outcome.endings) == {"answered", "QueueFullError"}
    assert outcome.p99() <= 2.0 * RULES.max_queue_tokens / outcome.goodput()


def test_a_lone_caller_pays_nothing() -> None:
    async def scenario() -> list[float]:
        batcher = Batcher(TimedPredictor(0.05), RULES, max_predict_s=60.0)
        task = asyncio.create_task(batcher.run())
        outcome = Outcome()
        for _ in range(100):
            await ask(batcher, outcome, length=5, time_left_s=None)
        task.cancel()
        return outcome.latencies

    assert max(run_in_virtual_time(scenario())) == pytest.approx(0.05, abs=1e-6)


def test_interactive_calls_hardly_notice_a_flood_of_bulk_work() -> None:
    async def scenario() -> tuple[Outcome, Outcome]:
        batcher = Batcher(TimedPredictor(0.01, 0.0002), RULES, max_predict_s=60.0)
        task = asyncio.create_task(batcher.run())
        interactive, bulk = Outcome(), Outcome()
        calls = []
        for step in range(2000):
            ask_bulk = ask(batcher, bulk, length=30, time_left_s=None, priority=Priority.BULK)
            calls.append(asyncio.create_task(ask_bulk))
            if step % 20 == 0:
                calls.append(
                    asyncio.create_task(ask(batcher, interactive, length=30, time_left_s=None))
                )
            await asyncio.sleep(0.0025)
        await asyncio.gather(*calls)
        task.cancel()
        return interactive, bulk

    interactive, bulk = run_in_virtual_time(scenario())
    assert set(interactive.endings) == {"answered"}
    assert bulk.endings["QueueFullError"] > 0
    assert interactive.p99() < 0.4 < bulk.p99()


def test_a_flooded_model_does_not_slow_another_one_down() -> None:
    quiet = PredictTarget(VersionKey("quiet", 1), TARGET.signature, TARGET.outputs)

    async def scenario() -> list[float]:
        batcher = Batcher(TimedPredictor(0.01, 0.0002), RULES, max_predict_s=60.0)
        task = asyncio.create_task(batcher.run())
        flood = [timed_row(1, length=40) for _ in range(100)]
        batcher.submit(flood)
        waits = []
        for _ in range(20):
            row = timed_row(2, length=10, target=quiet)
            batcher.submit([row])
            waits.append((await row.answer).queue_s)
            again = [timed_row(1, length=40) for _ in range(20)]
            batcher.submit(again, is_admitted=True)
            flood += again
        await asyncio.gather(*(row.answer for row in flood))
        task.cancel()
        return waits

    batch_s = 0.01 + 0.0002 * RULES.limits.max_tokens
    assert max(run_in_virtual_time(scenario())) <= 2.1 * batch_s


def test_a_call_larger_than_a_batch_is_split_and_put_together_again() -> None:
    async def scenario() -> tuple[list[float], list[list[int]]]:
        predictor = TimedPredictor()
        batcher = Batcher(predictor, RULES, max_predict_s=60.0)
        task = asyncio.create_task(batcher.run())
        rows = [timed_row(number, length=3) for number in range(200)]
        batcher.submit(rows)
        answers = await asyncio.gather(*(row.answer for row in rows))
        task.cancel()
        return [float(answer.outputs["scores"]) for answer in answers], predictor.batches

    answers, batches = run_in_virtual_time(scenario())
    assert answers == list(range(200))
    assert [len(batch) for batch in batches] == [64, 64, 64, 8]


def test_the_number_in_flight_follows_the_model_server() -> None:
    async def most_in_flight(workers: int) -> int:
        predictor = TimedPredictor(0.02, workers=workers)
        rules = SchedulingRules(BatchLimits(512, 4), max_queue_tokens=10**6, max_in_flight=8)
        batcher = Batcher(predictor, rules, max_predict_s=60.0)
        task = asyncio.create_task(batcher.run())
        rows = [timed_row(1) for _ in range(4000)]
        batcher.submit(rows)
        await asyncio.gather(*(row.answer for row in rows))
        task.cancel()
        return predictor.most_in_flight

    assert [run_in_virtual_time(most_in_flight(workers)) for workers in (1, 2, 4)] == [2, 3, 5]
