"""A model that is a table: each row's next token depends on its last alone."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from model_export.models import StepOutput

PAD, UNKNOWN, BEGIN, END, A, B, C = range(7)
VOCABULARY_SIZE = 7


class TableModel:
    """Probabilities of the next token by the last one; what they leave over goes to unknown.

    Head n of layer l attends to source position (l + n) modulo S alone.
    """

    def __init__(
        self, probabilities: dict[int, dict[int, float]], *, layers: int = 1, heads: int = 1
    ) -> None:
        table = np.full((VOCABULARY_SIZE, VOCABULARY_SIZE), 1e-6)
        for last, following in probabilities.items():
            for token, probability in following.items():
                table[last, token] = probability
        table[:, UNKNOWN] += 1 - table.sum(axis=1)
        self.log_probabilities = np.log(table)
        self.layers, self.heads = layers, heads

    def source_mask(self, tokens: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        return tf.sequence_mask(lengths, tf.shape(tokens)[1])

    def encode(
        self, tokens: tf.Tensor, lengths: tf.Tensor
    ) -> tuple[tuple[tf.Tensor, ...], tf.Tensor]:
        return (tf.zeros([tf.shape(tokens)[0], 1]),), tokens

    def decode_step(
        self, tokens: tf.Tensor, state: tuple[tf.Tensor, ...], memory: tf.Tensor
    ) -> StepOutput:
        # Logits are log-probabilities up to a constant, which must not matter.
        logits = tf.gather(tf.constant(self.log_probabilities, tf.float32), tokens) + 3.0
        rows, width = tf.shape(memory)[0], tf.shape(memory)[1]
        positions = tf.range(self.layers)[:, tf.newaxis] + tf.range(self.heads)
        heads = tf.one_hot(positions % width, width)
        shape = [rows, self.layers, self.heads, width]
        return StepOutput(logits, tf.broadcast_to(heads, shape), state)

    def score(self, last: int, token: int) -> float:
        return float(self.log_probabilities[last, token])
