"""One step of a classifier's training, as a compiled function."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from model_export.config import TrainingSettings
from model_export.data.batches import Batch
from model_export.models.build_classifier import AnyClassifier
from model_export.training.steps import BatchFunction


def label_losses(
    logits: tf.Tensor, labels: tf.Tensor, *, label_smoothing: float = 0.0
) -> tf.Tensor:
    """Cross-entropy of each row.

        loss[b] = -(1 - e) log p(label_b) - e mean_c log p(c)
                                        Szegedy et al. 2016, section 7, with a uniform prior

    Args:
        logits: Scores before the softmax, float32 [B, C].
        labels: The right labels, int32 [B]; a row below 0 has none, and costs nothing.
        label_smoothing: e, 0 to below 1.

    Returns:
        Nats, float32 [B].
    """
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.maximum(labels, 0), logits=logits
    )
    if label_smoothing:
        spread = -tf.reduce_mean(tf.nn.log_softmax(logits), axis=-1)
        losses = (1.0 - label_smoothing) * losses + label_smoothing * spread
    return tf.where(labels >= 0, losses, tf.zeros_like(losses))


def classifier_training_step(
    model: AnyClassifier,
    optimizer: keras.optimizers.Optimizer,
    settings: TrainingSettings,
    *,
    redundancy_penalties: Sequence[float] = (),
) -> BatchFunction:
    """A function that changes the model's weights by one batch.

    The gradient is that of the mean loss over the batch's real rows, with the redundancy of each
    row's hops added, each attention's times its entry of `redundancy_penalties`; none = nothing is
    added. What is returned is the loss without the penalty, summed, and the number of real rows.
    """
    weights = model.trainable_variables
    optimizer.build(weights)

    def step(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        is_real = batch["labels"] >= 0
        row_count = tf.reduce_sum(tf.cast(is_real, tf.int32))
        with tf.GradientTape() as tape:
            output = model(_model_inputs(batch), training=True)
            loss_sum = tf.reduce_sum(
                label_losses(
                    output.logits, batch["labels"], label_smoothing=settings.label_smoothing
                )
            )
            objective = loss_sum
            if any(redundancy_penalties):
                costs = tf.linalg.matvec(output.redundancy, tf.constant(redundancy_penalties))
                objective += tf.reduce_sum(tf.where(is_real, costs, tf.zeros_like(costs)))
            loss = objective / tf.cast(row_count, tf.float32)
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss_sum, row_count

    return tf.function(step, jit_compile=settings.jit_compile)


def classifier_evaluation_step(model: AnyClassifier) -> BatchFunction:
    """A function that gives the loss of a batch, without dropout and label smoothing."""

    def step(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        losses = label_losses(model(_model_inputs(batch)).logits, batch["labels"])
        return tf.reduce_sum(losses), tf.reduce_sum(tf.cast(batch["labels"] >= 0, tf.int32))

    return tf.function(step, reduce_retracing=True)


def _model_inputs(batch: Batch) -> Batch:
    return {name: values for name, values in batch.items() if name != "labels"}
