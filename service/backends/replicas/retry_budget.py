"""How many calls may be sent again. Pure."""

from __future__ import annotations


class RetryBudget:
    """Allows repetitions as a share of the calls, so that they never multiply an overload.

    Every call adds `share` of a repetition to the budget, which holds at most `burst` of them; a
    repetition takes one out. It begins full, so that a server lost early costs no caller a call.

    Args:
        share: Repetitions per call, 0 (none ever) to 1.
        burst: The most repetitions saved up.
    """

    def __init__(self, share: float, burst: float) -> None:
        self._share = share
        self._burst = burst if share > 0 else 0.0
        self._saved = self._burst

    @property
    def saved(self) -> float:
        """Repetitions that may be made now."""
        return self._saved

    def note_call(self) -> None:
        """A call was made that is no repetition."""
        self._saved = min(self._burst, self._saved + self._share)

    def take(self) -> bool:
        """Takes a repetition out of the budget; False if there is none."""
        if self._saved < 1.0:
            return False
        self._saved -= 1.0
        return True
