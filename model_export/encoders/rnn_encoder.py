"""A recurrent encoder."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.composite import CompositeLayer
from model_export.config import CellKind
from model_export.encoders.base import EncoderOutput
from model_export.rnn_dropout import NO_DROPOUT, RnnDropout


class RnnEncoder(CompositeLayer):
    """GRU or LSTM layers that read the source forwards and, if asked to, backwards as well.

        values[b, s] = [forward state; backward state]       Bahdanau et al. 2015, eq. 7, A.2.1

    A layer above the first reads the values of the layer below. The summary is the top layer's
    backward state at the first position, from which the paper starts its decoder (A.2.2), or its
    last forward state if there is no backward one. The recurrences are Keras' `GRU` (reset gate
    after the matrix product) and `LSTM`.

    Args:
        vocabulary_size: Number of source ids.
        embedding_width: Width of the token vectors.
        width: Width of the state in each direction.
        cell: The recurrence.
        layers: Recurrent layers, 1 or more.
        bidirectional: Whether each layer also reads from the end.
        dropout: What is dropped in training, of each layer's inputs and of its own state.

    Call arguments:
        tokens: Source ids, int32 [B, S]; ids outside the vocabulary read as "unknown" would be
            an error of the caller and are checked by the exported graph.
        mask: True at real tokens, bool [B, S]; each row's real tokens come first.
        training: Whether dropout is active.

    Returns:
        EncoderOutput: values float [B, S, D], D = `width`, or twice that if bidirectional, 0
        behind each row's length; summary float [B, width]. A row does not depend on the width of
        its batch.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        embedding_width: int,
        width: int,
        cell: CellKind = CellKind.GRU,
        layers: int = 1,
        bidirectional: bool = True,
        dropout: RnnDropout = NO_DROPOUT,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.embedding = keras.layers.Embedding(vocabulary_size, embedding_width, name="embedding")
        rate = dropout.recurrent
        self.forward = [recurrence(cell, width, index, dropout=rate) for index in range(layers)]
        self.backward = [
            recurrence(cell, width, index, dropout=rate, backwards=True)
            for index in range(layers)
            if bidirectional
        ]
        self.dropouts = [dropout.of_sequences(f"dropout_{index}") for index in range(layers)]

    def call(self, tokens: tf.Tensor, *, mask: tf.Tensor, training: bool = False) -> EncoderOutput:
        """Values and summary; the shapes are in the class docstring."""
        values, summary = self.embedding(tokens), None
        for index, forward in enumerate(self.forward):
            inputs = self.dropouts[index](values, training=training)
            values, summary, *_ = forward(inputs, mask=mask, training=training)
            if self.backward:
                backward = self.backward[index]
                backward_states, summary, *_ = backward(inputs, mask=mask, training=training)
                values = tf.concat([values, tf.reverse(backward_states, axis=[1])], axis=-1)
            values = tf.where(mask[:, :, tf.newaxis], values, tf.zeros_like(values))
        return EncoderOutput(values, summary)


def recurrence(
    cell: CellKind, width: int, index: int, *, dropout: float = 0.0, backwards: bool = False
) -> keras.layers.RNN:
    """A layer without cuDNN's fused kernel, so that the exported graph runs on any device.

    `dropout` is of its own state: the same elements at every position.
    """
    layer = {CellKind.GRU: keras.layers.GRU, CellKind.LSTM: keras.layers.LSTM}[cell]
    return layer(
        width,
        return_sequences=True,
        return_state=True,
        go_backwards=backwards,
        recurrent_dropout=dropout,
        use_cudnn=False,
        name=f"{'backward' if backwards else 'forward'}_{index}",
    )
