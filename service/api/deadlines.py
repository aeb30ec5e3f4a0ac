"""When an answer must leave, so that it still finds its caller."""

from __future__ import annotations

import asyncio
from typing import Final

ANSWER_MARGIN_S: Final = 0.05
"""How long before the caller's deadline the gateway answers, so that its words still arrive.

At most a tenth of the time that the caller gave."""


def deadline_after(remaining_s: float | None) -> float | None:
    """When the answer must leave, on the event loop's clock.

    Args:
        remaining_s: How long the caller still waits, in seconds; None if it waits for ever.
    """
    if remaining_s is None:
        return None
    margin_s = min(ANSWER_MARGIN_S, remaining_s / 10)
    return asyncio.get_running_loop().time() + remaining_s - margin_s
