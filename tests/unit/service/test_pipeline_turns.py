"""Work on many texts: in order, and not all at once."""

from __future__ import annotations

import asyncio
import time

from service.pipeline.turns import TURN_S, in_turns


async def test_results_come_in_the_order_of_the_entries() -> None:
    assert await in_turns(lambda a, b: a + b, [1, 2, 3], [10, 20, 30]) == [11, 22, 33]
    assert await in_turns(str, []) == []


async def test_others_have_their_turn_while_long_work_goes_on() -> None:
    seen: list[int] = []
    done: list[int] = []

    async def other() -> None:
        while len(done) < 4:
            seen.append(len(done))
            await asyncio.sleep(0)

    def work(number: int) -> None:
        time.sleep(TURN_S)
        done.append(number)

    task = asyncio.create_task(other())
    await in_turns(work, range(4))
    await task
    assert {1, 2, 3} <= set(seen)
