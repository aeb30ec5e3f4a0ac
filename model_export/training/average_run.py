"""A finished run out of the mean of saved weights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from model_export.data.examples import Split
from model_export.errors import RunError
from model_export.evaluation.evaluate import measure
from model_export.evaluation.metrics import Metrics
from model_export.runs.training_run import (
    BEST_WEIGHTS_FILE,
    HISTORY_FILE,
    LABELS_FILE,
    METRICS_FILE,
    SOURCE_TOKENIZER_FILE,
    TARGET_TOKENIZER_FILE,
    TrainingRun,
    load_outputs,
    load_run_recipe,
    load_source_tokenizer,
    untrained_model,
    write_atomically,
    write_file_atomically,
)
from model_export.training.averaging import assign_mean, recent_weight_files
from model_export.training.checkpoint import TrainingProgress
from model_export.training.run_folder import held_run_folder


def average_run(
    path: Path,
    states: Sequence[Path],
    *,
    out: Path,
    last: int | None = None,
    data_dir: Path | None = None,
) -> dict[str, float]:
    """Makes a run whose weights are the mean of saved ones, and measures it on all of dev.

    Args:
        path: The run that the weights come from, finished or not; only read.
        states: Its saved states, copies of `training_state.npz` or files of `recent_weights/`;
            none = all that are in `recent_weights/`.
        out: The new run's folder; it must not exist, or be empty.
        last: Average the last ones only, by their steps; none = all.
        data_dir: Where the data lies; none = the copy in Heed.

    Returns:
        What the new run's metrics.json holds.

    Raises:
        RunError: There is no run, no saved weights, two of the same step, weights of another
            model or of other data, or the new folder is in use or cannot be written.
        DataError: The data is missing or unreadable.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out} is there already and not empty: choose another --out")
    run = _unwritten_run(path, out)
    chosen = list(states) or recent_weight_files(path)
    if not chosen:
        raise RunError(
            f"{path} kept no weights: name saved states, or train with training.average_last"
        )
    found = assign_mean(chosen, run.model.variables)
    order = sorted(range(len(chosen)), key=lambda index: found[index].step)
    if last is not None and last < len(order):
        order = order[-last:]
        assign_mean([chosen[index] for index in order], run.model.variables)
    averaged = [found[index] for index in order]
    _check_they_belong_together(averaged)
    metrics = _metrics(measure(run, split=Split.DEV, data_dir=data_dir), averaged)
    _write(run, path, history=averaged[-1], metrics=metrics)
    return metrics


def _unwritten_run(path: Path, out: Path) -> TrainingRun:
    recipe = load_run_recipe(path)
    try:
        source = load_source_tokenizer(path, recipe)
        target, labels = load_outputs(path, recipe)
    except (OSError, ValueError) as error:
        raise RunError(f"the training run {path} is damaged: {error}") from error
    model = untrained_model(recipe, source=source, target=target, labels=labels)
    return TrainingRun(out, recipe, source, target, model, {}, labels)


def _check_they_belong_together(averaged: Sequence[TrainingProgress]) -> None:
    steps = [progress.step for progress in averaged]
    for step in steps:
        if steps.count(step) > 1:
            raise RunError(f"two of the states are of step {step}: name each once")
    if len({progress.data_sha256 for progress in averaged}) > 1:
        raise RunError("the states were trained on different data")


def _metrics(dev: Metrics, averaged: Sequence[TrainingProgress]) -> dict[str, float]:
    return {
        **{f"dev.{name}": value for name, value in dev.as_dict().items()},
        "training.steps": float(averaged[-1].step),
        "training.averaged_weights": float(len(averaged)),
        "training.seconds": round(averaged[-1].seconds, 1),
    }


def _write(
    run: TrainingRun, path: Path, *, history: TrainingProgress, metrics: dict[str, float]
) -> None:
    """Writes the new run; metrics.json, which makes it a finished one, comes last."""
    with held_run_folder(run.path, run.recipe):
        try:
            files = [LABELS_FILE if run.labels else TARGET_TOKENIZER_FILE]
            if run.source_tokenizer_if_any is not None:
                files.append(SOURCE_TOKENIZER_FILE)
            for name in files:
                shutil.copyfile(path / name, run.path / name)
        except OSError as error:
            raise RunError(f"cannot write {run.path}: {error.strerror or error}") from error
        write_file_atomically(run.path / BEST_WEIGHTS_FILE, run.model.save_weights)
        write_atomically(run.path / HISTORY_FILE, history.history_json().encode())
        content = json.dumps(metrics, indent=2) + "\n"
        write_atomically(run.path / METRICS_FILE, content.encode())
