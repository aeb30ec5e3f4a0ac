"""Asks a second model server where the first is slow, and takes the first answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from service.backends.replicas.latencies import TypicalLatencies

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class HedgeRule:
    """When a call is sent a second time. Without both it never is.

    Attributes:
        after_s: After so many seconds.
        percentile: After what so many percent of calls of its kind take, 50 to 100.
    """

    after_s: float | None = None
    percentile: float | None = None

    def delay_s(self, latencies: TypicalLatencies, kind: Hashable) -> float | None:
        """How long a call of a kind may take before it is sent again; None for ever."""
        if self.percentile is not None:
            return latencies.percentile_s(kind, self.percentile)
        return self.after_s


@dataclass(frozen=True, slots=True)
class Race(Generic[Answer]):
    """What came of a call.

    Attributes:
        answer: The answer.
        was_hedged: Whether the call was sent twice.
        second_won: Whether the second one answered first.
    """

    answer: Answer
    was_hedged: bool = False
    second_won: bool = False


async def first_answer(
    first: Coroutine[Any, Any, Answer],
    delay_s: float,
    make_second: Callable[[], Coroutine[Any, Any, Answer] | None],
) -> Race[Answer]:
    """Runs a call, and a second one if the first has not ended after a while.

    The first that succeeds wins and the other one is cancelled; if both fail, the first one's
    error is raised. Leaving early cancels both.

    Args:
        first: The call.
        delay_s: How long it may take alone, in seconds.
        make_second: Makes the second call; None if there is nobody to ask.
    """
    tasks = [asyncio.ensure_future(first)]
    try:
        await asyncio.wait(tasks, timeout=delay_s)
        second = None if tasks[0].done() else make_second()
        if second is None:
            return Race(await tasks[0])
        tasks.append(asyncio.ensure_future(second))
        return await _first_success(tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _first_success(tasks: Sequence[asyncio.Future[Answer]]) -> Race[Answer]:
    pending = set(tasks)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if task.exception() is None:
                return Race(task.result(), was_hedged=True, second_won=task is tasks[1])
    return Race(tasks[0].result())
