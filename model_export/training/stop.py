"""Stopping on request, at a moment that loses nothing."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Final, Self

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_HEARD: Final = b"\nheed: stopping after this step; the first one takes half a minute to prepare\n"


class StopRequest:
    """Turns the first SIGINT (Ctrl-C) or SIGTERM into a flag, and says so; a second acts as usual.

    A context manager; outside the main thread, where signals cannot be handled, it does nothing.
    """

    def __init__(self) -> None:
        self._received: int | None = None
        self._previous: dict[int, object] = {}

    @property
    def exit_status(self) -> int | None:
        """128 + the signal's number once one has come, as shells have it."""
        return None if self._received is None else 128 + self._received

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._restore()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._received = number
        self._restore()
        os.write(2, _HEARD)  # a handler must not print: it may have interrupted a print

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._previous = {}
