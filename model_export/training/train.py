"""A whole training, from a recipe to a finished run."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from model_export.config import Recipe
from model_export.errors import RunError
from model_export.evaluation.metrics import PronunciationMetrics
from model_export.progress import progress_display
from model_export.training.checkpoint import TrainingProgress
from model_export.training.prepare import PreparedData, prepare_data
from model_export.training.run import METRICS_FILE, RECIPE_FILE, load_run_recipe, write_atomically
from model_export.training.stop import StopRequest
from model_export.training.trainer import Trainer

_LOCK_FILE = ".lock"


def train(recipe: Recipe, *, folder: Path, data_dir: Path | None, stop: StopRequest) -> bool:
    """Trains a model into a folder, or goes on with the training that is there.

    Args:
        recipe: How to train.
        folder: The run's folder: new, empty, or with a run of the same recipe.
        data_dir: Where the data lies; none = the copy in Heed.
        stop: Asks to save and stop.

    Returns:
        Whether the run is finished; it was left alone if it had been finished before.

    Raises:
        DataError: The data is missing or unreadable.
        RunError: The folder holds something else, is in use, or cannot be written.
    """
    started_s = time.monotonic()
    _enter(folder, recipe)
    with _locked(folder):
        if (folder / METRICS_FILE).is_file():
            return True
        data = prepare_data(recipe, folder=folder, data_dir=data_dir)
        trainer = Trainer(recipe, data, folder)
        earlier_s = trainer.progress.seconds
        with progress_display(f"training {recipe.name}", trainer.step_count) as display:
            if data.train.left_out_count:
                display.line(
                    f"{data.train.left_out_count} of "
                    f"{data.train.left_out_count + data.train.pair_count} training pairs are "
                    f"longer than {recipe.training.length_buckets[-1]} tokens and are left out"
                )
            if trainer.progress.step:
                display.line(f"going on from step {trainer.progress.step}/{trainer.step_count}")
            if not trainer.train(display, stop):
                return False
            dev = trainer.final_dev_metrics(display)
        seconds = earlier_s + time.monotonic() - started_s
        metrics = _metrics(dev, trainer.progress, data=data, seconds=seconds)
        write_atomically(folder / METRICS_FILE, (json.dumps(metrics, indent=2) + "\n").encode())
    return True


def _metrics(
    dev: PronunciationMetrics, progress: TrainingProgress, *, data: PreparedData, seconds: float
) -> dict[str, float]:
    best = next(entry for entry in progress.history if entry.step == progress.best_step)
    return {
        **{f"dev.{name}": value for name, value in dev.as_dict().items()},
        "dev.loss": best.dev_loss,
        "training.loss": best.train_loss,
        "training.steps": float(progress.step),
        "training.best_step": float(best.step),
        "training.seconds": round(seconds, 1),
        "training.pairs": float(data.train.pair_count),
        "training.left_out_pairs": float(data.train.left_out_count),
    }


def _enter(folder: Path, recipe: Recipe) -> None:
    """Makes sure that the folder is a run of this recipe."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = {entry.name for entry in folder.iterdir()} - {_LOCK_FILE}
    except OSError as error:
        raise RunError(f"cannot write the run's folder {folder}: {error.strerror}") from error
    if RECIPE_FILE in names:
        _check_same_recipe(folder, recipe)
    elif names:
        raise RunError(f"{folder} is neither empty nor a training run: choose another --out")
    else:
        content = recipe.model_dump_json(indent=2) + "\n"
        write_atomically(folder / RECIPE_FILE, content.encode())


def _check_same_recipe(folder: Path, recipe: Recipe) -> None:
    there = _flat(load_run_recipe(folder).model_dump(mode="json"))
    here = _flat(recipe.model_dump(mode="json"))
    differences = [
        f"{key}: {there.get(key)!r} there, {here.get(key)!r} now"
        for key in sorted({*there, *here})
        if there.get(key) != here.get(key)
    ]
    if differences:
        raise RunError(
            f"{folder} holds a run of another recipe ({'; '.join(differences)}): choose another "
            f"--out, or go on with `heed train {folder / RECIPE_FILE} --out {folder}`"
        )


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values by dotted key."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keeps a second training out of the folder; the lock goes with the process."""
    try:
        file = (folder / _LOCK_FILE).open("w")
    except OSError as error:
        raise RunError(f"cannot write the run's folder {folder}: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(f"another training is at work in {folder}") from error
        yield
