"""An encoder of sentences that are vectors already."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.config import CellKind
from model_export.encoders.rnn_encoder import recurrence


class SentenceEncoder(keras.layers.Layer):
    """Reads the sentences of a text in both directions, so that each knows its neighbours.

        h[b, i] = [forward state; backward state]           Yang et al. 2016, section 2.2

    Args:
        width: Width of the state in each direction.
        cell: The recurrence.
        dropout: Share of the inputs dropped in training, 0 to below 1.

    Call arguments:
        vectors: Sentence vectors, float [B, Z, D].
        mask: True at real sentences, bool [B, Z]; each row's real ones come first.
        training: Whether dropout is active.

    Returns:
        Float [B, Z, 2 width], 0 behind each row's sentences.
    """

    def __init__(
        self, width: int, *, cell: CellKind = CellKind.GRU, dropout: float = 0.0, **kwargs: object
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.dropout = keras.layers.Dropout(dropout, name="dropout")
        self.forward = recurrence(cell, width, 0)
        self.backward = recurrence(cell, width, 0, backwards=True)

    def compute_mask(self, *args: object, **kwargs: object) -> None:
        """Nothing: outputs carry no mask of Keras' own."""

    def call(self, vectors: tf.Tensor, *, mask: tf.Tensor, training: bool = False) -> tf.Tensor:
        """States; the shapes are in the class docstring."""
        inputs = self.dropout(vectors, training=training)
        forward_states, *_ = self.forward(inputs, mask=mask)
        backward_states, *_ = self.backward(inputs, mask=mask)
        states = tf.concat([forward_states, tf.reverse(backward_states, axis=[1])], axis=-1)
        return tf.where(mask[:, :, tf.newaxis], states, tf.zeros_like(states))
