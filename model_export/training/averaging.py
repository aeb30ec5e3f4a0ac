"""Averages of the weights that a training passed through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from model_export.errors import RunError
from model_export.training.checkpoint import TrainingProgress, read_state, write_state

RECENT_FOLDER: Final = "recent_weights"
"""Where a run keeps the weights of its last evaluations, if its recipe averages them."""


class RecentWeights:
    """The weights of a run's last evaluations, a file for each in `recent_weights/`.

    Args:
        run: The run's folder.
        count: Evaluations whose weights are kept; 0 = none, and nothing is written.
    """

    def __init__(self, run: Path, *, count: int) -> None:
        self._folder = run / RECENT_FOLDER
        self._count = count

    def keep(self, progress: TrainingProgress, variables: Sequence[Any]) -> None:
        """Writes the weights of the step that has just been evaluated.

        Raises:
            RunError: They cannot be written.
        """
        if not self._count:
            return
        try:
            self._folder.mkdir(exist_ok=True)
        except OSError as error:
            raise RunError(f"cannot write {self._folder}: {error.strerror}") from error
        write_state(self._path(progress.step), progress, variables)

    def forget(self, progress: TrainingProgress) -> None:
        """Deletes what no average will read any more; called once `progress` is saved."""
        if not self._count:
            return
        wanted = {self._path(step) for step in self.steps(progress)}
        for path in self._folder.glob("step-*.npz"):
            if path not in wanted:
                path.unlink(missing_ok=True)

    def steps(self, progress: TrainingProgress) -> tuple[int, ...]:
        """The last evaluated steps, oldest first, at most `count`."""
        steps = [entry.step for entry in progress.history if not entry.averaged_steps]
        return tuple(steps[-self._count :]) if self._count else ()

    def assign_mean(self, steps: Sequence[int], variables: Sequence[Any]) -> None:
        """Puts the mean of the weights of some steps into a model's variables.

        Raises:
            RunError: A file is missing or damaged.
        """
        assign_mean([self._path(step) for step in steps], variables)

    def _path(self, step: int) -> Path:
        return self._folder / f"step-{step:08d}.npz"


def recent_weight_files(run: Path) -> list[Path]:
    """What `RecentWeights` has kept in a run, oldest first."""
    return sorted((run / RECENT_FOLDER).glob("step-*.npz"))


def assign_mean(paths: Iterable[Path], variables: Sequence[Any]) -> list[TrainingProgress]:
    """Puts the mean of saved weights into a model's variables.

    What is no weight, such as the state of a random generator, is taken from the last file.

    Args:
        paths: Files of `write_state`, one or more.
        variables: All variables of the model.

    Returns:
        The progress in each file.

    Raises:
        RunError: A file is missing or damaged, or is of another model.
    """
    sums: list[Any] = [0.0] * len(variables)
    found: list[TrainingProgress] = []
    values: list[np.ndarray[Any, Any]] = []
    for path in paths:
        progress, values = read_state(path, variables)
        found.append(progress)
        sums = [total + value.astype(np.float64) for total, value in zip(sums, values, strict=True)]
    for variable, total, last in zip(variables, sums, values, strict=True):
        is_weight = np.issubdtype(last.dtype, np.floating)
        variable.assign((total / len(found)).astype(last.dtype) if is_weight else last)
    return found
