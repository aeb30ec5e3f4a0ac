"""A whole training, from a recipe to a finished run."""

from __future__ import annotations

import json
import time
from pathlib import Path

from heed.contract import Task
from model_export.config import Recipe
from model_export.errors import RunError
from model_export.evaluation.metrics import Metrics
from model_export.progress import progress_display
from model_export.quiet import spend_xla_notice
from model_export.runs.training_run import METRICS_FILE, write_atomically
from model_export.training.checkpoint import TrainingProgress
from model_export.training.classifier_learner import ClassifierLearner, prepare_labelled_data
from model_export.training.distribution import Distribution
from model_export.training.learner import Learner
from model_export.training.prepare import prepare_data
from model_export.training.seq2seq_learner import Seq2SeqLearner
from model_export.training.stop import StopRequest
from model_export.training.trainer import Trainer


def train(
    recipe: Recipe,
    *,
    folder: Path,
    data_dir: Path | None,
    stop: StopRequest,
    distribution: Distribution | None = None,
) -> bool:
    """Trains a model, from the start or from where an earlier training stopped.

    Args:
        recipe: How to train.
        folder: The run's folder, held by `held_run_folder`.
        data_dir: Where the data lies; none = the copy in Heed.
        stop: Asks to save and stop.
        distribution: What the training is spread over; none = one device.

    Returns:
        Whether the run is finished.

    Raises:
        DataError: The data is missing or unreadable.
        RunError: The folder cannot be written, or its checkpoint is of other data or damaged.
    """
    started_s = time.monotonic()
    distribution = distribution or Distribution()
    with distribution.scope():
        learner = build_learner(recipe, folder=folder, data_dir=data_dir, distribution=distribution)
        if recipe.training.jit_compile:
            spend_xla_notice()
        trainer = Trainer(recipe, learner, folder, distribution)
    earlier_s = trainer.progress.seconds
    with progress_display(f"training {recipe.name}", trainer.step_count) as display:
        if learner.left_out_count:
            display.line(
                f"{learner.left_out_count} of "
                f"{learner.left_out_count + learner.train_count} training examples are "
                f"longer than {recipe.training.length_buckets[-1]} tokens and are left out"
            )
        if trainer.progress.step:
            display.line(f"going on from step {trainer.progress.step}/{trainer.step_count}")
        if not trainer.train(display, stop):
            return False
        dev = trainer.final_dev_metrics(display)
    seconds = earlier_s + time.monotonic() - started_s
    metrics = _metrics(dev, trainer.progress, learner=learner, seconds=seconds)
    write_atomically(folder / METRICS_FILE, (json.dumps(metrics, indent=2) + "\n").encode())
    return True


def build_learner(
    recipe: Recipe,
    *,
    folder: Path,
    data_dir: Path | None,
    distribution: Distribution | None = None,
) -> Learner:
    """The model and the data of a recipe.

    Args:
        recipe: Which.
        folder: The run's folder, which gets the tokenizers.
        data_dir: Where the data lies; none = the copy in Heed.
        distribution: What the training is spread over; none = one device.

    Raises:
        DataError: The data is missing or unreadable.
        RunError: The tokenizers cannot be written or read, or this model trains on one device
            alone.
    """
    if recipe.task is Task.CLASSIFY:
        if distribution is not None and not distribution.is_single:
            raise RunError("classifiers train on one device: leave --distribute out")
        return ClassifierLearner(
            recipe, prepare_labelled_data(recipe, folder=folder, data_dir=data_dir)
        )
    data = prepare_data(recipe, folder=folder, data_dir=data_dir)
    return Seq2SeqLearner(recipe, data, distribution)


def _metrics(
    dev: Metrics, progress: TrainingProgress, *, learner: Learner, seconds: float
) -> dict[str, float]:
    best = progress.best_entry
    return {
        **{f"dev.{name}": value for name, value in dev.as_dict().items()},
        "dev.loss": best.dev_loss,
        "training.loss": best.train_loss,
        "training.steps": float(progress.step),
        "training.best_step": float(best.step),
        "training.averaged_weights": float(len(best.averaged_steps)),
        "training.seconds": round(seconds, 1),
        "training.pairs": float(learner.train_count),
        "training.left_out_pairs": float(learner.left_out_count),
    }
