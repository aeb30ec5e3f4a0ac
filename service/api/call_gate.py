"""The door that calls come in by, and that is shut before the gateway ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Final

from service.errors import DrainingError

QUIET_S: Final = 0.2
"""No call for so long: callers have heard that the gateway is ending."""
LONGEST_WAIT_FOR_QUIET_S: Final = 2.0


class CallGate:
    """Counts the calls inside, and turns new ones away once it is shut.

    gRPC's own shutdown cancels calls that it has received but not yet handed over, which callers
    cannot tell from a failure. So the gate shuts first, while gRPC still listens: whoever comes
    then is told UNAVAILABLE, and gRPC is stopped when nobody comes any more.

    Attributes:
        shut: Is set once no new calls are let in.
    """

    def __init__(self) -> None:
        self.shut = asyncio.Event()
        self._inside = 0
        self._last_turned_away = 0.0
        self._left = asyncio.Event()

    @property
    def is_shut(self) -> bool:
        """Whether the gateway is ending."""
        return self.shut.is_set()

    @contextlib.contextmanager
    def pass_through(self) -> Iterator[None]:
        """Lets a call in and out again.

        Raises:
            DrainingError: The gate is shut.
        """
        if self.shut.is_set():
            self._last_turned_away = asyncio.get_running_loop().time()
            raise DrainingError
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
            self._left.set()

    async def drain(self, timeout_s: float) -> None:
        """Shuts the gate and waits until the calls inside have ended and no new ones come.

        Args:
            timeout_s: How long the calls inside may take, in seconds; then it returns anyway.
        """
        self.shut.set()
        self._last_turned_away = asyncio.get_running_loop().time()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._wait_until_empty()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_WAIT_FOR_QUIET_S):
                await self._wait_until_quiet()

    async def _wait_until_empty(self) -> None:
        while self._inside:
            self._left.clear()
            await self._left.wait()

    async def _wait_until_quiet(self) -> None:
        loop = asyncio.get_running_loop()
        pause_s = QUIET_S
        while pause_s > 0:
            await asyncio.sleep(pause_s)
            pause_s = self._last_turned_away + QUIET_S - loop.time()
