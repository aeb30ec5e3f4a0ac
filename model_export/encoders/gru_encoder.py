"""A bidirectional GRU over the source."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.encoders.base import EncoderOutput


class GRUEncoder(keras.layers.Layer):
    """A bidirectional GRU: each position knows what stands before and behind it.

        values[b, s] = [forward state; backward state]       Bahdanau et al. 2015, eq. 7, A.2.1

    The summary is the backward state at the first position, from which the paper starts its
    decoder (A.2.2). The recurrence is Keras' `GRU` (reset gate after the matrix product).

    Args:
        vocabulary_size: Number of source ids.
        embedding_width: Width of the token vectors.
        width: Width of the state in each direction.
        dropout: Share of the embeddings' elements dropped in training, 0 to below 1.

    Call arguments:
        tokens: Source ids, int32 [B, S]; ids outside the vocabulary read as "unknown" would be
            an error of the caller and are checked by the exported graph.
        mask: True at real tokens, bool [B, S]; each row's real tokens come first.
        training: Whether dropout is active.

    Returns:
        EncoderOutput: values float [B, S, 2 * width], 0 behind each row's length; summary float
        [B, width]. A row does not depend on the width of its batch.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        embedding_width: int,
        width: int,
        dropout: float = 0.0,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True  # the mask comes as an argument, and goes no further
        self.embedding = keras.layers.Embedding(vocabulary_size, embedding_width, name="embedding")
        self.dropout = keras.layers.Dropout(dropout, name="dropout")
        self.forward = _gru(width, backwards=False)
        self.backward = _gru(width, backwards=True)

    def compute_mask(self, *args: object, **kwargs: object) -> None:
        """Nothing: outputs carry no mask of Keras' own."""

    def call(self, tokens: tf.Tensor, *, mask: tf.Tensor, training: bool = False) -> EncoderOutput:
        """Values and summary; the shapes are in the class docstring."""
        embedded = self.dropout(self.embedding(tokens), training=training)
        forward_states, _ = self.forward(embedded, mask=mask)
        backward_states, backward_final = self.backward(embedded, mask=mask)
        values = tf.concat([forward_states, tf.reverse(backward_states, axis=[1])], axis=-1)
        values = tf.where(mask[:, :, tf.newaxis], values, tf.zeros_like(values))
        return EncoderOutput(values, backward_final)


def _gru(width: int, *, backwards: bool) -> keras.layers.GRU:
    """A GRU without cuDNN's fused kernel, so that the exported graph runs on any device."""
    name = "backward" if backwards else "forward"
    return keras.layers.GRU(
        width,
        return_sequences=True,
        return_state=True,
        go_backwards=backwards,
        use_cudnn=False,
        name=name,
    )
