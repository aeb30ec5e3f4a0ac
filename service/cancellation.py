"""Whose cancellation it is."""

from __future__ import annotations

import asyncio


def is_cancelling() -> bool:
    """Whether the running task is being cancelled itself, not only what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
