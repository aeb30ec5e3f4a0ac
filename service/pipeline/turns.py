"""Work on many texts of one call, without keeping other calls waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

TURN_S: Final = 0.005
"""How long one call may work before others have their turn, in seconds; one text is not divided."""

Result = TypeVar("Result")


async def in_turns(work: Callable[..., Result], *columns: Iterable[Any]) -> list[Result]:
    """As `map`, in a list; whenever `TURN_S` have passed, other tasks have their turn.

    Args:
        work: Called with one entry of each column.
        columns: As long as one another.
    """
    loop = asyncio.get_running_loop()
    ends = loop.time() + TURN_S
    results = []
    for arguments in zip(*columns, strict=True):
        results.append(work(*arguments))
        if loop.time() >= ends:
            await asyncio.sleep(0)
            ends = loop.time() + TURN_S
    return results
