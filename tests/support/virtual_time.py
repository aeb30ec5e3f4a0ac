"""An event loop whose clock jumps: what would be waited for happens at once, in its order.

    def test_something() -> None:
        run_in_virtual_time(scenario())

`asyncio.sleep(3600)` returns at once inside, and `loop.time()` says an hour more. A loop in which
nothing can ever happen again raises instead of hanging.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class NothingHappensError(Exception):
    """Every task waits for something that nobody will do."""


class _JumpingSelector(selectors.DefaultSelector):
    """Moves the clock instead of waiting."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise NothingHappensError("the event loop would wait for ever")
            self.now += max(0.0, timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop; its clock starts at 0."""

    def __init__(self) -> None:
        self._jumping_selector = _JumpingSelector()
        super().__init__(self._jumping_selector)

    def time(self) -> float:
        """Virtual seconds."""
        return self._jumping_selector.now

    def compute(self, seconds: float) -> None:
        """Passes time as code does that computes: nobody else has a turn meanwhile."""
        self._jumping_selector.now += seconds


def run_in_virtual_time(scenario: Coroutine[Any, Any, Result]) -> Result:
    """Runs a scenario to its end and returns what it returns."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(scenario)
