"""Sequence-to-sequence models, as the training loop sees them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import keras

from model_export.config import Recipe, RnnSettings, XuSoftSettings
from model_export.data.batches import Batch, batch_dataset
from model_export.data.buckets import PlannedBatch, plan_epoch
from model_export.models import build_model
from model_export.training.dev_evaluation import DevEvaluation
from model_export.training.prepare import PreparedData
from model_export.training.steps import BatchFunction, training_step


class Seq2SeqLearner:
    """A sequence-to-sequence model that learns pairs of texts.

    Args:
        recipe: How to train.
        data: What to learn from.
    """

    def __init__(self, recipe: Recipe, data: PreparedData) -> None:
        self._recipe = recipe
        self._data = data
        self.model = build_model(
            recipe.model,
            source_vocabulary_size=data.source_tokenizer.vocabulary_size,
            target_vocabulary_size=data.target_tokenizer.vocabulary_size,
            seed=recipe.training.seed,
        )
        self.dev = DevEvaluation(recipe, data, self.model)
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
            attention_penalty=_attention_penalty(self._recipe),
        )


def _attention_penalty(recipe: Recipe) -> float:
    match recipe.model:
        case RnnSettings(attention=XuSoftSettings(penalty=penalty)):
            return penalty
        case _:
            return 0.0
