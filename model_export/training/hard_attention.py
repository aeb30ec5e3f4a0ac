"""How hard attention learns from the places that it drew."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import tensorflow as tf

from model_export.attention import Choice
from model_export.config import XuHardSettings
from model_export.data.batches import Batch
from model_export.models import Seq2Seq, Seq2SeqOutput
from model_export.training.loss import token_loss_sum, token_losses


class HardAttentionTerm:
    """The gradient of places that were drawn, and what spread-out weights are worth.

        - lambda_r (log p(y | s) - b) log p(s) - lambda_e H[s]      Xu et al. 2015, eq. 11

    summed over rows, where s are a row's places and log p(y | s) - b, the reward, is a constant.
    Its gradient and that of the token loss, -log p(y | s), are together eq. 11's.

        b_k = 0.9 b_{k-1} + 0.1 log p(y | s_k)                      eq. 12, per token

    The paper's batches hold targets of one length; here b is the mean of a token, divided by the
    sum of its own factors so that it does not start at 0, and a row's baseline is b times its
    length. The batch itself counts from the next one on, so that it does not bend its gradient.

    Args:
        settings: The factors.
    """

    def __init__(self, settings: XuHardSettings) -> None:
        self._settings = settings
        self._baseline = tf.Variable([0.0, 0.0], trainable=False, name="baseline")

    @property
    def variables(self) -> Sequence[Any]:
        """The moving sum of rewards per token, and of the factors in it."""
        return (self._baseline,)

    def loss(self, output: Seq2SeqOutput, batch: Batch) -> tf.Tensor:
        """The terms of a batch, summed, float32 []."""
        choice = _of(output)
        lengths = batch["target_lengths"]
        is_target = tf.sequence_mask(lengths, tf.shape(batch["targets"])[1], tf.float32)
        baseline = tf.math.divide_no_nan(self._baseline[0], self._baseline[1])
        rewards = _rewards(output, batch) - baseline * tf.cast(lengths, tf.float32)
        log_probabilities = tf.reduce_sum(choice.log_probability * is_target, axis=-1)
        drawn = tf.reduce_sum(tf.stop_gradient(rewards) * log_probabilities)
        entropy = tf.reduce_sum(choice.entropy * is_target)
        settings = self._settings
        return -settings.reinforce_weight * drawn - settings.entropy_weight * entropy

    def learn(self, output: Seq2SeqOutput, batch: Batch) -> None:
        """Moves the baseline."""
        decay = self._settings.baseline_decay
        token_count = tf.cast(tf.reduce_sum(batch["target_lengths"]), tf.float32)
        reward = tf.reduce_sum(_rewards(output, batch)) / token_count
        self._baseline.assign(decay * self._baseline + (1.0 - decay) * tf.stack([reward, 1.0]))


def gradient_variance(
    model: Seq2Seq, term: HardAttentionTerm
) -> Callable[[Iterable[Batch]], dict[str, float]]:
    """A function that measures how much of the gradient is chance.

    Each batch is drawn twice, without dropout; g1 and g2 are the gradients of its mean loss.

        variance = |g1 - g2|^2 / 2, signal = g1 . g2

    are, in the mean over draws, the sum of the variances of the gradient's elements, and the
    squared length of the gradient's mean.

    Returns:
        From batches to "gradient_variance" and "gradient_signal", each the mean over batches.
    """
    weights = model.trainable_variables

    @tf.function(reduce_retracing=True)
    def gradient(batch: Batch) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            inputs = {name: batch[name] for name in ("tokens", "lengths", "target_inputs")}
            output = model(inputs, sampling=True)
            lengths = batch["target_lengths"]
            loss = token_loss_sum(output.logits, batch["targets"], target_lengths=lengths)
            loss += term.loss(output, batch)
            loss /= tf.cast(tf.reduce_sum(lengths), tf.float32)
        gradients = tape.gradient(loss, weights, unconnected_gradients="zero")
        return [tf.convert_to_tensor(part) for part in gradients]

    def measure(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        pairs = list(zip(gradient(batch), gradient(batch), strict=True))
        variance = tf.add_n([tf.reduce_sum(tf.square(one - two)) for one, two in pairs]) / 2.0
        return variance, tf.add_n([tf.reduce_sum(one * two) for one, two in pairs])

    def measured(batches: Iterable[Batch]) -> dict[str, float]:
        figures = [measure(batch) for batch in batches]
        return {
            name: sum(float(figure[index]) for figure in figures) / len(figures)
            for index, name in enumerate(("gradient_variance", "gradient_signal"))
        }

    return measured


def _rewards(output: Seq2SeqOutput, batch: Batch) -> tf.Tensor:
    """Log p(y | s) of each row, float32 [B]."""
    losses = token_losses(output.logits, batch["targets"], target_lengths=batch["target_lengths"])
    return -tf.reduce_sum(losses, axis=-1)


def _of(output: Seq2SeqOutput) -> Choice:
    if not isinstance(output.choice, Choice):
        raise TypeError("the model's attention does not choose places")
    return output.choice
