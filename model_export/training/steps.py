"""One step of training, as a compiled function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from model_export.config import TrainingSettings
from model_export.data.batches import Batch
from model_export.models import Seq2Seq, Seq2SeqOutput
from model_export.training.distribution import Distribution
from model_export.training.loss import token_loss_sum
from model_export.training.objective import ObjectiveTerm

BatchFunction = Callable[[Batch], tuple[Any, Any]]
"""From a batch to its loss, summed over real target tokens (float32 []), and their number."""


def training_step(
    model: Seq2Seq,
    optimizer: keras.optimizers.Optimizer,
    settings: TrainingSettings,
    *,
    terms: Sequence[ObjectiveTerm] = (),
    distribution: Distribution | None = None,
) -> BatchFunction:
    """A function that changes the model's weights by one batch.

    The gradient is that of the mean loss over the batch's real target tokens, with `terms` added
    to the sum. What is returned is the loss without them. Each shape of batch is traced, and
    compiled if the settings say so, when it is first seen. If the training is distributed, so is
    the function.
    """
    if distribution is not None and not distribution.is_single:
        return _distributed_step(model, optimizer, settings, terms, distribution=distribution)
    weights = model.trainable_variables
    optimizer.build(weights)

    def step(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        token_count = tf.reduce_sum(batch["target_lengths"])
        with tf.GradientTape() as tape:
            output = model(_model_inputs(batch), training=True)
            loss_sum = _loss_sum(output, batch, settings)
            objective = loss_sum + sum(term.loss(output, batch) for term in terms)
            loss = objective / tf.cast(token_count, tf.float32)
        optimizer.apply(tape.gradient(loss, weights), weights)
        for term in terms:
            term.learn(output, batch)
        return loss_sum, token_count

    return tf.function(step, jit_compile=settings.jit_compile)


def _distributed_step(
    model: Seq2Seq,
    optimizer: keras.optimizers.Optimizer,
    settings: TrainingSettings,
    terms: Sequence[ObjectiveTerm],
    *,
    distribution: Distribution,
) -> BatchFunction:
    weights = model.trainable_variables
    with distribution.scope():
        optimizer.build(weights)

    def step(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        token_count = distribution.total(tf.reduce_sum(batch["target_lengths"]))
        with tf.GradientTape() as tape:
            output = model(_model_inputs(batch), training=True)
            loss_sum = _loss_sum(output, batch, settings)
            objective = loss_sum + sum(term.loss(output, batch) for term in terms)
            loss = objective / tf.cast(token_count, tf.float32)
        gradients = tape.gradient(loss, weights, unconnected_gradients="zero")
        gradients = distribution.whole_gradients(gradients, clip_norm=settings.clip_norm)
        optimizer.apply(gradients, weights)
        return distribution.total(loss_sum), token_count

    return distribution.step_function(step)


def _loss_sum(output: Seq2SeqOutput, batch: Batch, settings: TrainingSettings) -> tf.Tensor:
    return token_loss_sum(
        output.logits,
        batch["targets"],
        target_lengths=batch["target_lengths"],
        label_smoothing=settings.label_smoothing,
    )


def evaluation_step(model: Seq2Seq) -> BatchFunction:
    """A function that gives the loss of a batch, without dropout and label smoothing."""

    def step(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        lengths = batch["target_lengths"]
        output = model(_model_inputs(batch))
        loss_sum = token_loss_sum(output.logits, batch["targets"], target_lengths=lengths)
        return loss_sum, tf.reduce_sum(lengths)

    return tf.function(step, reduce_retracing=True)


def _model_inputs(batch: Batch) -> Batch:
    return {name: batch[name] for name in ("tokens", "lengths", "target_inputs")}
