"""Waiting for room instead of being refused."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from service.errors import DeadlinePassedError, OverloadedError, Stage

LONGEST_PAUSE_S: Final = 1.0
"""Who waits for room asks again at least so often."""

Result = TypeVar("Result")


async def patiently(
    work: Callable[[], Awaitable[Result]], *, deadline: float | None = None
) -> Result:
    """What the work gives, tried again for as long as it is refused for being too much.

    Args:
        work: Does nothing if it is refused.
        deadline: When the result is of no use any more, on the loop's clock.

    Raises:
        DeadlinePassedError: There was no room before the deadline.
        ServiceError: The work failed in another way.
    """
    loop = asyncio.get_running_loop()
    while True:
        try:
            return await work()
        except OverloadedError as error:
            # Those who were refused together return apart.
            pause_s = min(error.retry_after_s, LONGEST_PAUSE_S) * random.uniform(0.5, 1.0)
            if deadline is not None and loop.time() + pause_s > deadline:
                raise DeadlinePassedError(Stage.QUEUE) from error
        await asyncio.sleep(pause_s)
