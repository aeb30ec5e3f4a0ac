"""Waiting for something to become so, without guessing how long it takes."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(
    condition: Callable[[], bool],
    describe: Callable[[], str] = lambda: "",
    *,
    timeout_s: float = 20.0,
) -> None:
    """Wait until something is so.

    Raises:
        TimeoutError: With the description of what is instead.
    """
    give_up_at = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"still not so after {timeout_s} s; instead: {describe()}")
        time.sleep(0.01)
