"""An estimate of the time that training still needs."""

from __future__ import annotations

from collections import deque
from statistics import fmean
from typing import Final

_REMEMBERED_STEPS: Final = 200
_NEEDED_STEPS: Final = 20
_ASSUMED_STEPS_PER_EVALUATION: Final = 50


class TimeLeft:
    """Time left, from what recent steps and evaluations took.

    Steps that compiled something are left out: they do not come again. Until an evaluation has
    been timed it is taken to cost as much as 50 steps.

    Args:
        evaluate_every_steps: Steps between two evaluations.
        step_count: Steps of the whole training. One more evaluation follows the last.
    """

    def __init__(self, *, evaluate_every_steps: int, step_count: int) -> None:
        self._evaluate_every_steps = evaluate_every_steps
        self._step_count = step_count
        self._step_seconds: deque[float] = deque(maxlen=_REMEMBERED_STEPS)
        self._evaluation_seconds: deque[float] = deque(maxlen=3)

    def record_step(self, seconds: float) -> None:
        """Takes note of a step that compiled nothing."""
        self._step_seconds.append(seconds)

    def record_evaluation(self, seconds: float) -> None:
        """Takes note of an evaluation."""
        self._evaluation_seconds.append(seconds)

    def estimate_s(self, step: int) -> float | None:
        """Seconds left after `step` steps; none as long as too few steps have been timed."""
        if len(self._step_seconds) < _NEEDED_STEPS:
            return None
        step_s = fmean(self._step_seconds)
        evaluation_s = (
            fmean(self._evaluation_seconds)
            if self._evaluation_seconds
            else step_s * _ASSUMED_STEPS_PER_EVALUATION
        )
        interval = self._evaluate_every_steps
        evaluations = -(-self._step_count // interval) - step // interval + 1
        return (self._step_count - step) * step_s + evaluations * evaluation_s
