"""The place of one worker: a process is started in it, and another one when it dies."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pickle
import sys
from collections.abc import Callable
from typing import Final

from service.backends import end_with_parent
from service.metrics import forget_process
from service.settings import GatewaySettings

logger = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 10.0
_LISTENING: Final = "Heed gateway listening"


class WorkerFailedError(Exception):
    """A worker ended before it ever listened, so that starting it again will not help.

    Attributes:
        status: Its exit status.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class WorkerSlot:
    """Keeps one worker running.

    Args:
        number: Which one it is, from 1.
        settings: What it is started with.
        on_line: Called with every line that it tells.

    Attributes:
        status: The exit status of the worker that ended last; None before the first one has.
    """

    def __init__(
        self, number: int, settings: GatewaySettings, on_line: Callable[[int, str], None]
    ) -> None:
        self._number = number
        self._settings = pickle.dumps(settings)
        self._on_line = on_line
        self._process: asyncio.subprocess.Process | None = None
        self._end = asyncio.Event()
        self._last_line = ""
        self._is_listening = False
        self.status: int | None = None

    async def run(self) -> None:
        """Starts the worker, and again whenever it dies, until `end`.

        Raises:
            WorkerFailedError: The first one did not come as far as listening.
        """
        pause_s, has_listened = FIRST_PAUSE_S, False
        while not self._end.is_set():
            self._is_listening = False
            self.status = await self._run_once()
            if self._end.is_set():
                return
            has_listened |= self._is_listening
            if not has_listened:
                raise WorkerFailedError(self.status, self._last_line)
            pause_s = FIRST_PAUSE_S if self._is_listening else min(2 * pause_s, LONGEST_PAUSE_S)
            logger.error(
                "worker %d ended with %d; starting it again in %.1f s",
                self._number,
                self.status,
                pause_s,
            )
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._end.wait(), pause_s)

    def end(self) -> None:
        """Asks the worker to answer what it has accepted, and to end; `run` returns then."""
        self._end.set()
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()

    def kill(self) -> None:
        """Ends the worker at once."""
        self._end.set()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def _run_once(self) -> int:
        # Of a session of its own, so that Ctrl-C in a terminal reaches the supervisor alone.
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", end_with_parent.__file__, str(os.getpid())),
            *(sys.executable, "-m", "service.workers.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        self._process = process
        if self._end.is_set():
            process.terminate()
        try:
            await self._hand_over(process)
            await self._listen(process)
            return await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            forget_process(process.pid)

    async def _hand_over(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None:
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it died at once
            process.stdin.write(self._settings)
            await process.stdin.drain()
        process.stdin.close()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        while process.stdout is not None and (line := await process.stdout.readline()):
            self._last_line = line.decode(errors="replace").rstrip()
            self._is_listening |= self._last_line.startswith(_LISTENING)
            self._on_line(self._number, self._last_line)
