import asyncio

import pytest

from service.errors import DeadlinePassedError, ModelServerUnreachableError, QueueFullError
from service.pipeline.patience import patiently


class Door:
    """Refuses so many times, then lets in."""

    def __init__(self, refusals: int, pause_s: float = 0.001) -> None:
        self.refusals = refusals
        self.pause_s = pause_s

    async def knock(self) -> str:
        if self.refusals:
            self.refusals -= 1
            raise QueueFullError(waiting_tokens=9, max_queue_tokens=9, retry_after_s=self.pause_s)
        return "in"


async def test_who_is_refused_asks_again_until_there_is_room() -> None:
    assert await patiently(Door(5).knock) == "in"


async def test_nobody_waits_beyond_the_deadline() -> None:
    deadline = asyncio.get_running_loop().time() + 0.05
    with pytest.raises(DeadlinePassedError, match="waiting in the queue"):
        await patiently(Door(10**9).knock, deadline=deadline)
    with pytest.raises(DeadlinePassedError):
        await patiently(Door(1, pause_s=30).knock, deadline=deadline)


async def test_other_failures_are_not_waited_for() -> None:
    async def fail() -> str:
        raise ModelServerUnreachableError

    with pytest.raises(ModelServerUnreachableError):
        await patiently(fail)
