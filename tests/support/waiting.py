"""Waiting for something to become so, without guessing how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(
    condition: Callable[[], bool],
    describe: Callable[[], str] = lambda: "",
    *,
    timeout_s: float = 20.0,
) -> float:
    """Waits until something is so; returns how long that took, in seconds.

    Raises:
        TimeoutError: With the description of what is instead.
    """
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > timeout_s:
            raise TimeoutError(f"still not so after {timeout_s} s; instead: {describe()}")
        time.sleep(0.01)
    return time.monotonic() - began
