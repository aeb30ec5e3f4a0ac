"""Sequence-to-sequence models, as the training loop sees them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import keras

from model_export.config import Recipe
from model_export.data.batches import Batch, batch_dataset
from model_export.data.buckets import PlannedBatch, plan_epoch
from model_export.errors import RunError
from model_export.models import build_model
from model_export.models.precision import computing_in
from model_export.training.dev_evaluation import DevEvaluation
from model_export.training.distribution import Distribution
from model_export.training.hard_attention import HardAttentionTerm, gradient_variance
from model_export.training.objective import objective_terms
from model_export.training.prepare import PreparedData
from model_export.training.steps import BatchFunction, training_step

_DIAGNOSTIC_BATCHES: Final = 4


class Seq2SeqLearner:
    """A sequence-to-sequence model that learns pairs of texts.

    Args:
        recipe: How to train.
        data: What to learn from.
        distribution: What the training is spread over; none = one device.

    Raises:
        RunError: The training is distributed, and the model's attention draws places.
    """

    def __init__(
        self, recipe: Recipe, data: PreparedData, distribution: Distribution | None = None
    ) -> None:
        self._recipe = recipe
        self._distribution = distribution
        self._data = data
        with computing_in(recipe.training.precision):
            self.model = build_model(
                recipe.seq2seq_model,
                source_vocabulary_size=data.source_vocabulary_size,
                target_vocabulary_size=data.target_tokenizer.vocabulary_size,
                seed=recipe.training.seed,
            )
        self.dev = DevEvaluation(recipe, data, self.model)
        self._terms = objective_terms(recipe)
        self.objective_variables = [item for term in self._terms for item in term.variables]
        if self.objective_variables and distribution is not None and not distribution.is_single:
            raise RunError("hard attention trains on one device: leave --distribute out")
        self._gradient_variance = next(
            (
                gradient_variance(self.model, term)
                for term in self._terms
                if isinstance(term, HardAttentionTerm)
            ),
            None,
        )
        self.train_sha256 = data.train_sha256
        self.train_count = data.train.pair_count
        self.left_out_count = data.train.left_out_count

    def plan(self, epoch: int) -> list[PlannedBatch]:
        """The batches of an epoch."""
        settings = self._recipe.training
        return plan_epoch(
            self._data.train, batch_sizes=settings.batch_sizes, seed=settings.seed, epoch=epoch
        )

    def batches(self, plan: Sequence[PlannedBatch]) -> Iterable[Batch]:
        """The batches of a plan, in its order."""
        return batch_dataset(self._data.train, plan)

    def training_step(self, optimizer: keras.optimizers.Optimizer) -> BatchFunction:
        """A function that changes the model's weights by one batch."""
        return training_step(
            self.model,
            optimizer,
            self._recipe.training,
            terms=self._terms,
            distribution=self._distribution,
        )

    def diagnostics(self) -> dict[str, float]:
        """How noisy the gradient of hard attention is, on a few batches of dev."""
        if self._gradient_variance is None:
            return {}
        pairs = self._data.progress_dev_pairs
        sizes = self._recipe.training.batch_sizes
        plan = plan_epoch(pairs, batch_sizes=sizes, seed=0, epoch=0)
        return self._gradient_variance(batch_dataset(pairs, plan[:_DIAGNOSTIC_BATCHES]))
