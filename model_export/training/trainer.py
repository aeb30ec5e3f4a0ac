"""The training loop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from model_export.config import DevMetric, Recipe
from model_export.data.batches import Batch
from model_export.errors import RunError
from model_export.evaluation.metrics import Metrics, described
from model_export.progress import ProgressDisplay
from model_export.runs.training_run import (
    BEST_WEIGHTS_FILE,
    HISTORY_FILE,
    TENSORBOARD_FOLDER,
    write_atomically,
    write_file_atomically,
)
from model_export.training.averaging import RecentWeights
from model_export.training.checkpoint import (
    HistoryEntry,
    TrainingProgress,
    restore_checkpoint,
    save_checkpoint,
)
from model_export.training.distribution import Distribution
from model_export.training.learner import Learner
from model_export.training.optimizer import build_optimizer
from model_export.training.stop import StopRequest
from model_export.training.tensorboard import TensorBoardLog
from model_export.training.time_left import TimeLeft


class Trainer:
    """Trains a model in a run's folder, from the start or from the last checkpoint.

    The same recipe and data give the same losses on the same machine, however often the training
    was stopped on the way.

    Args:
        recipe: How to train.
        learner: What to train.
        folder: The run's folder.
        distribution: What the training is spread over; none = one device.

    Raises:
        RunError: The last checkpoint is damaged, or belongs to other data.
    """

    def __init__(
        self,
        recipe: Recipe,
        learner: Learner,
        folder: Path,
        distribution: Distribution | None = None,
    ) -> None:
        self._distribution = distribution or Distribution()
        self._recipe = recipe
        self._settings = recipe.training
        self._learner = learner
        self._folder = folder
        self._model = learner.model
        self._steps_per_epoch = len(learner.plan(epoch=0))
        optimizer = build_optimizer(
            self._settings, step_count=self.step_count, clips=self._distribution.is_single
        )
        self._train_step = learner.training_step(optimizer)
        self._dev = learner.dev
        self._recent = RecentWeights(folder, count=self._settings.average_last or 0)
        self._optimizer = optimizer
        self._variables = [
            *self._model.variables,
            *optimizer.variables,
            *learner.objective_variables,
        ]
        self._progress = self._restored_progress()
        self._seen_widths: set[int] = set()
        self._time_left = TimeLeft(
            evaluate_every_steps=self._settings.evaluate_every_steps, step_count=self.step_count
        )

    @property
    def step_count(self) -> int:
        """Steps of the whole training, if patience does not end it."""
        return self._settings.epochs * self._steps_per_epoch

    @property
    def progress(self) -> TrainingProgress:
        """How far training has come."""
        return self._progress

    def train(self, display: ProgressDisplay, stop: StopRequest) -> bool:
        """Trains until the end, or until asked to stop; what was done is then saved.

        Returns:
            Whether training came to its end.

        Raises:
            RunError: The run's folder cannot be written.
        """
        self._distribution.check_same_step(self._progress.step)
        log = TensorBoardLog(self._folder / TENSORBOARD_FOLDER)
        try:
            for batch in self._remaining_batches():
                self._run_step(batch, display)
                if self._evaluation_is_due():
                    self._evaluate(display, log)
                # Workers that disagreed about the end would wait for each other for ever.
                is_over, is_stopped = self._distribution.any_of(
                    self._progress.stopped_early, stop.exit_status is not None
                )
                if is_over:
                    self._update(stopped_early=True)
                    break
                if is_stopped:
                    self._save()
                    return False
            self._judge_average(display, log)
        finally:
            log.close()
        return True

    def final_dev_metrics(self, display: ProgressDisplay) -> Metrics:
        """The quality of the best weights on the whole of dev."""
        self._model.load_weights(self._folder / BEST_WEIGHTS_FILE)
        display.update(self._progress.step, "evaluating the best weights on all of dev")
        return self._dev.full_metrics()

    def _remaining_batches(self) -> Iterator[Batch]:
        if self._progress.stopped_early:
            return
        epoch, done = divmod(self._progress.step, self._steps_per_epoch)
        while epoch < self._settings.epochs:
            yield from self._learner.batches(self._learner.plan(epoch)[done:])
            epoch, done = epoch + 1, 0

    def _run_step(self, batch: Batch, display: ProgressDisplay) -> None:
        started_s = time.monotonic()
        loss_sum, token_count = self._train_step(batch)
        loss = float(loss_sum)
        seconds = time.monotonic() - started_s
        width = batch["tokens"].shape[1]
        if width in self._seen_widths:
            self._time_left.record_step(seconds)
        self._seen_widths.add(width)
        self._update(
            step=self._progress.step + 1,
            loss_sum=self._progress.loss_sum + loss,
            token_count=self._progress.token_count + int(token_count),
            seconds=self._progress.seconds + seconds,
        )
        display.update(self._progress.step, self._message())

    def _evaluation_is_due(self) -> bool:
        step = self._progress.step
        return step % self._settings.evaluate_every_steps == 0 or step == self.step_count

    def _evaluate(self, display: ProgressDisplay, log: TensorBoardLog) -> None:
        started_s = time.monotonic()
        entry = HistoryEntry(
            step=self._progress.step,
            train_loss=self._progress.loss_sum / self._progress.token_count,
            dev_loss=self._dev.loss(),
            dev_metrics=self._dev.progress_metrics(),
            diagnostics=self._learner.diagnostics(),
        )
        self._take_note(entry)
        rate = float(self._optimizer.learning_rate)
        curves = {f"dev_{name}": value for name, value in entry.dev_metrics.items()}
        curves |= {"train_loss": entry.train_loss, "dev_loss": entry.dev_loss}
        curves |= entry.diagnostics
        log.write(entry.step, curves | {"learning_rate": rate})
        seconds = time.monotonic() - started_s
        self._time_left.record_evaluation(seconds)
        self._update(seconds=self._progress.seconds + seconds)
        self._recent.keep(self._progress, self._model.variables)
        self._save()
        self._recent.forget(self._progress)
        display.line(
            f"step {entry.step}/{self.step_count}: loss {entry.train_loss:.3f}, dev loss "
            f"{entry.dev_loss:.3f}, dev {_described(entry.dev_metrics)}"
        )

    def _judge_average(self, display: ProgressDisplay, log: TensorBoardLog) -> None:
        """Measures the mean of the last evaluated weights, and keeps it if it is the best."""
        history = self._progress.history
        steps = self._recent.steps(self._progress)
        if len(steps) < 2 or history[-1].averaged_steps:
            return
        trained = [variable.numpy() for variable in self._model.variables]
        self._recent.assign_mean(steps, self._model.variables)
        entry = HistoryEntry(
            step=self._progress.step,
            train_loss=history[-1].train_loss,
            dev_loss=self._dev.loss(),
            dev_metrics=self._dev.progress_metrics(),
            averaged_steps=steps,
        )
        if self._keep_if_best(entry):
            self._update(best_step=entry.step, best_is_average=True)
        self._update(history=(*history, entry))
        for variable, value in zip(self._model.variables, trained, strict=True):
            variable.assign(value)
        curves = {f"averaged_dev_{name}": value for name, value in entry.dev_metrics.items()}
        log.write(entry.step, curves | {"averaged_dev_loss": entry.dev_loss})
        self._save()
        display.line(
            f"mean weights of the last {len(steps)} evaluations: dev loss {entry.dev_loss:.3f}, "
            f"dev {_described(entry.dev_metrics)}"
        )

    def _keep_if_best(self, entry: HistoryEntry) -> bool:
        """Saves the weights that `entry` measured if they are the best so far; says whether."""
        earlier = [self._goodness(past) for past in self._progress.history]
        is_best = not earlier or self._goodness(entry) > max(earlier)
        if is_best:
            write_file_atomically(self._folder / BEST_WEIGHTS_FILE, self._model.save_weights)
        return is_best

    def _take_note(self, entry: HistoryEntry) -> None:
        """Adds an evaluation to the history, and keeps the weights if they are the best so far."""
        is_best = self._keep_if_best(entry)
        without_gain = 0 if is_best else self._progress.evaluations_without_gain + 1
        patience = self._settings.patience
        self._update(
            history=(*self._progress.history, entry),
            loss_sum=0.0,
            token_count=0,
            best_step=entry.step if is_best else self._progress.best_step,
            evaluations_without_gain=without_gain,
            stopped_early=patience is not None and without_gain >= patience,
        )

    def _goodness(self, entry: HistoryEntry) -> tuple[float, ...]:
        """Greater is better; equal measures are told apart by the loss."""
        metric = self._recipe.dev_metric
        if metric is DevMetric.LOSS:
            return (-entry.dev_loss,)
        return (entry.dev_metrics[metric], -entry.dev_loss)

    def _update(self, **changes: object) -> None:
        self._progress = self._progress.model_copy(update=changes)

    def _save(self) -> None:
        save_checkpoint(self._folder, self._progress, self._variables)
        write_atomically(self._folder / HISTORY_FILE, self._progress.history_json().encode())

    def _restored_progress(self) -> TrainingProgress:
        restored = restore_checkpoint(self._folder, self._variables)
        if restored is None:
            return TrainingProgress(data_sha256=self._learner.train_sha256)
        if restored.data_sha256 != self._learner.train_sha256:
            raise RunError(
                f"{self._folder} was trained on other data; give the same --data-dir, or train "
                "into another folder"
            )
        return restored

    def _message(self) -> str:
        """Loss since the last evaluation, the best evaluation's first measure and the time left."""
        parts = []
        if self._progress.token_count:
            parts.append(f"loss {self._progress.loss_sum / self._progress.token_count:.3f}")
        if self._progress.history:
            best = max(self._progress.history, key=self._goodness)
            parts.append(f"best {_described(dict([next(iter(best.dev_metrics.items()))]))}")
        left_s = self._time_left.estimate_s(self._progress.step)
        parts.append("estimating the time left" if left_s is None else f"{_clock(left_s)} left")
        return ", ".join(parts)


def _described(metrics: dict[str, float]) -> str:
    return ", ".join(f"{name} {value}" for name, value in described(metrics))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
        if minutes >= 60
        else f"{minutes}:{rest:02d}"
    )
