"""How much somebody may do in a second."""

from __future__ import annotations

from typing import Final

BURST_S: Final = 1.0
"""A caller that was quiet may do at once what it may do in so many seconds."""

_ROUNDING: Final = 1e-6
"""What is missing by the arithmetic of floats alone counts as there."""


class TokenBucket:
    """Lets through a rate, and after a pause a burst.

    The bucket may be overdrawn once: whoever finds anything in it gets all that it asks for, and
    the debt is paid off before the next one. So a call that is larger than a burst is possible,
    and the rate holds all the same.

    Args:
        rate_per_s: How much comes back in a second, above 0.
        now_s: The time on a clock that never goes back, in seconds.
    """

    def __init__(self, rate_per_s: float, now_s: float) -> None:
        self.rate_per_s = rate_per_s
        self._most = max(1.0, rate_per_s * BURST_S)
        self._level = self._most
        self._filled_at_s = now_s

    def take(self, amount: float, now_s: float) -> float:
        """Takes an amount, or nothing at all.

        Returns:
            0 if it was taken; otherwise after how many seconds trying again makes sense.
        """
        passed_s = max(0.0, now_s - self._filled_at_s)
        self._filled_at_s = max(now_s, self._filled_at_s)
        self._level = min(self._most, self._level + passed_s * self.rate_per_s)
        needed = min(amount, 1.0)
        if self._level < needed - _ROUNDING:
            return (needed - self._level) / self.rate_per_s
        self._level -= amount
        return 0.0
