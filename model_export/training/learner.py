"""What the training loop trains: a model, its data, its loss and its measures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import keras

from model_export.data.batches import Batch
from model_export.data.buckets import PlannedBatch
from model_export.evaluation.metrics import Metrics
from model_export.training.steps import BatchFunction


class DevMeasures(Protocol):
    """Measures a model's present weights on dev."""

    def loss(self) -> float:
        """Mean loss of what `Learner.training_step` counts, on the part looked at in training."""

    def progress_metrics(self) -> dict[str, float]:
        """The task's measures on that part, by name; counts left out."""

    def full_metrics(self) -> Metrics:
        """The task's measures on the whole of dev."""


class Learner(Protocol):
    """A family of models, as the training loop sees it."""

    @property
    def model(self) -> keras.Model:
        """The model, with all its weights."""

    @property
    def dev(self) -> DevMeasures:
        """Measures the model."""

    @property
    def train_sha256(self) -> str:
        """Fingerprint of the training data."""

    @property
    def train_count(self) -> int:
        """Training examples."""

    @property
    def left_out_count(self) -> int:
        """Training examples that are too long, or empty, and are left out."""

    @property
    def objective_variables(self) -> Sequence[Any]:
        """What the objective remembers from batch to batch, apart from the model's weights."""

    def diagnostics(self) -> dict[str, float]:
        """Measures of the training itself, by name; called at every evaluation."""

    def plan(self, epoch: int) -> list[PlannedBatch]:
        """The batches of an epoch, always as many."""

    def batches(self, plan: Sequence[PlannedBatch]) -> Iterable[Batch]:
        """The batches of a plan, in its order."""

    def training_step(self, optimizer: keras.optimizers.Optimizer) -> BatchFunction:
        """A function that changes the model's weights by one batch."""
