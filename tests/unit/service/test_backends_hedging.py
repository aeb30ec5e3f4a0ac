from __future__ import annotations

import asyncio

import pytest

from service.backends.replicas.hedging import HedgeRule, Race, first_answer
from service.backends.replicas.latencies import TypicalLatencies


class Call:
    """A call that ends when the test says so."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.was_cancelled = False

    async def run(self) -> str:
        try:
            return await asyncio.shield(self.answer)
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def race(first: Call, second: Call | None) -> asyncio.Task[Race[str]]:
    def make_second():  # type: ignore[no-untyped-def]
        return None if second is None else second.run()

    task = asyncio.ensure_future(first_answer(first.run(), 0.001, make_second))
    await asyncio.sleep(0.02)
    return task


async def test_a_quick_call_is_sent_once() -> None:
    first, asked = Call(), []
    first.answer.set_result("first")
    won = await first_answer(first.run(), 5, lambda: asked.append(1))  # type: ignore[func-returns-value,arg-type]
    assert won == Race("first")
    assert asked == []


async def test_the_second_wins_and_the_first_is_cancelled() -> None:
    first, second = Call(), Call()
    task = await race(first, second)
    second.answer.set_result("second")
    assert await task == Race("second", was_hedged=True, second_won=True)
    assert first.was_cancelled


async def test_the_first_may_still_win() -> None:
    first, second = Call(), Call()
    task = await race(first, second)
    first.answer.set_result("first")
    assert await task == Race("first", was_hedged=True)
    assert second.was_cancelled


async def test_with_nobody_else_to_ask_the_first_is_awaited() -> None:
    first = Call()
    task = await race(first, None)
    first.answer.set_result("first")
    assert await task == Race("first")


async def test_a_failure_of_one_is_made_good_by_the_other() -> None:
    for index in (0, 1):
        calls = [Call(), Call()]
        task = await race(*calls)
        calls[index].answer.set_exception(OSError("broken"))
        await settle()
        calls[1 - index].answer.set_result("good")
        assert (await task).answer == "good"


async def test_if_both_fail_the_first_failure_counts() -> None:
    first, second = Call(), Call()
    task = await race(first, second)
    second.answer.set_exception(OSError("second"))
    await settle()
    first.answer.set_exception(OSError("first"))
    with pytest.raises(OSError, match="first"):
        await task


async def test_a_caller_that_leaves_cancels_both() -> None:
    first, second = Call(), Call()
    task = await race(first, second)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert first.was_cancelled
    assert second.was_cancelled


def test_the_rule_waits_a_fixed_time_or_a_percentile_or_for_ever() -> None:
    latencies = TypicalLatencies()
    assert HedgeRule().delay_s(latencies, "a") is None
    assert HedgeRule(after_s=0.3).delay_s(latencies, "a") == 0.3
    assert HedgeRule(percentile=90).delay_s(latencies, "a") is None
    for _ in range(200):
        latencies.note("a", 2.0)
    assert HedgeRule(percentile=90).delay_s(latencies, "a") == pytest.approx(2.0)
