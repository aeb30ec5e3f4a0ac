"""Everything that a stopped training needs to go on as if nothing had happened."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_export.errors import RunError
from model_export.runs.training_run import STATE_FILE, write_file_atomically

_PROGRESS_KEY = "progress"


class HistoryEntry(BaseModel):
    """What was measured at one evaluation during training.

    Attributes:
        step: Training steps done.
        train_loss: Mean loss of a target token since the last evaluation, in nats.
        dev_loss: Mean loss of a target token of dev, in nats.
        dev_metrics: Measures of the task on dev, by name, with greedy search.
        diagnostics: Measures of the training itself, by name.
        averaged_steps: The evaluations whose weights were averaged to be measured here; empty:
            the weights are those of `step` alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: int
    train_loss: float
    dev_loss: float
    dev_metrics: dict[str, float]
    diagnostics: dict[str, float] = Field(default_factory=dict)
    averaged_steps: tuple[int, ...] = ()


class TrainingProgress(BaseModel):
    """How far training has come. What is random follows from the seed, the epoch and the weights.

    Attributes:
        data_sha256: Fingerprint of the training pairs.
        step: Steps done.
        loss_sum: Loss since the last evaluation, summed over target tokens, in nats.
        token_count: Target tokens since the last evaluation.
        seconds: Time spent training, in all runs of the program.
        best_step: Step of the best weights so far; none before the first evaluation.
        best_is_average: Whether the best weights are the average made at the end.
        evaluations_without_gain: Evaluations since then.
        stopped_early: Whether patience ended the training.
        history: What the evaluations measured, oldest first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data_sha256: str
    step: int = 0
    loss_sum: float = 0.0
    token_count: int = 0
    seconds: float = 0.0
    best_step: int | None = None
    best_is_average: bool = False
    evaluations_without_gain: int = 0
    stopped_early: bool = False
    history: tuple[HistoryEntry, ...] = ()

    @property
    def best_entry(self) -> HistoryEntry:
        """What was measured of the best weights; there has been an evaluation.

        Raises:
            ValueError: There has been none.
        """
        for entry in self.history:
            if entry.step == self.best_step and bool(entry.averaged_steps) == self.best_is_average:
                return entry
        raise ValueError("no weights have been evaluated yet")

    def history_json(self) -> str:
        """The history as a JSON list, a line for each evaluation."""
        lines = (entry.model_dump_json(exclude_defaults=True) for entry in self.history)
        return "[" + ",\n ".join(lines) + "]\n"


def save_checkpoint(folder: Path, progress: TrainingProgress, variables: Sequence[Any]) -> None:
    """Writes the state of a training, in place of the last one.

    Args:
        folder: The run's folder.
        progress: How far training has come.
        variables: Everything that training changes: of the model, of its random generators and
            of the optimiser, always in the same order.

    Raises:
        RunError: The file cannot be written.
    """
    write_state(folder / STATE_FILE, progress, variables)


def write_state(path: Path, progress: TrainingProgress, variables: Sequence[Any]) -> None:
    """As `save_checkpoint`, into any file; the model's variables come first."""
    arrays = {_key(index): np.asarray(variable) for index, variable in enumerate(variables)}
    arrays[_PROGRESS_KEY] = np.array(progress.model_dump_json())

    def write(path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]

    write_file_atomically(path, write)


def restore_checkpoint(folder: Path, variables: Sequence[Any]) -> TrainingProgress | None:
    """Puts the saved state back into `variables`.

    Returns:
        How far training had come; none if nothing was saved.

    Raises:
        RunError: The file is damaged, or does not fit the variables.
    """
    path = folder / STATE_FILE
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            progress = TrainingProgress.model_validate_json(str(arrays[_PROGRESS_KEY]))
            if len(arrays.files) != len(variables) + 1:
                raise ValueError(f"expected {len(variables)} variables")
            for index, variable in enumerate(variables):
                variable.assign(arrays[_key(index)])
    except (OSError, KeyError, ValueError, ValidationError, zipfile.BadZipFile) as error:
        raise RunError(
            f"cannot go on from {path}: {error}; train again into another folder"
        ) from error
    return progress


def read_state(
    path: Path, variables: Sequence[Any]
) -> tuple[TrainingProgress, list[np.ndarray[Any, Any]]]:
    """The progress in a saved state, and what it has for the first variables, all of a model's.

    Args:
        path: A file of `write_state`; it may hold more variables, such as an optimiser's.
        variables: The model's variables, which stay as they are.

    Raises:
        RunError: The file is missing or damaged, or is of another model.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            progress = TrainingProgress.model_validate_json(str(arrays[_PROGRESS_KEY]))
            values = [arrays[_key(index)] for index in range(len(variables))]
    except (OSError, KeyError, ValueError, ValidationError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} is no saved state of a training: {error}") from error
    for variable, value in zip(variables, values, strict=True):
        if value.shape != tuple(variable.shape):
            raise RunError(
                f"{path} is of another model: {list(value.shape)} is not the shape of "
                f"{variable.path}, {list(variable.shape)}"
            )
    return progress, values


def _key(index: int) -> str:
    return f"variable_{index:04d}"
