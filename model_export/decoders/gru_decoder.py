"""A GRU decoder with attention in its recurrence."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.attention import BahdanauAttention
from model_export.decoders.base import DecoderMemory, DecoderStep
from model_export.encoders import EncoderOutput


class GRUDecoder(keras.layers.Layer):
    """A GRU whose input is the last token and the context that attention picked for it.

        c_i = attention(s_{i-1}, h)                     Bahdanau et al. 2015, eqs. 5-6
        s_i = GRU(s_{i-1}, [E y_{i-1}; c_i])            A.2.2
        features_i = [s_i; c_i; E y_{i-1}]              what the paper's deep output reads
        s_0 = tanh(W_s summary)                         A.2.2

    Args:
        vocabulary_size: Number of target ids.
        embedding_width: Width of the token vectors.
        width: Width of the state.
        attention_units: Width of the attention's scoring network.
        dropout: Share of the embeddings' elements dropped in training, 0 to below 1.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        embedding_width: int,
        width: int,
        attention_units: int,
        dropout: float = 0.0,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.embedding = keras.layers.Embedding(vocabulary_size, embedding_width, name="embedding")
        self.dropout = keras.layers.Dropout(dropout, name="dropout")
        self.attention = BahdanauAttention(attention_units, name="attention")
        self.initial_projection = keras.layers.Dense(
            width, activation="tanh", name="initial_projection"
        )
        self.cell = keras.layers.GRUCell(width, name="cell")

    def read(self, encoded: EncoderOutput, mask: tf.Tensor) -> DecoderMemory:
        """The memory of a source: `encoded` with its mask bool [B, S]."""
        return DecoderMemory(encoded.values, self.attention.project_keys(encoded.values), mask)

    def initial_state(self, encoded: EncoderOutput) -> tuple[tf.Tensor, ...]:
        """s_0: one tensor, float [B, width]."""
        return (self.initial_projection(encoded.summary),)

    def embed(self, tokens: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """Token vectors: int32 [...] to float [..., embedding_width]."""
        return self.dropout(self.embedding(tokens), training=training)

    def step(
        self, embedded: tf.Tensor, state: tuple[tf.Tensor, ...], memory: DecoderMemory
    ) -> DecoderStep:
        """One position: from the last token's vector, float [B, embedding_width]."""
        (hidden,) = state
        context, weights = self.attention(
            hidden, projected_keys=memory.projected_keys, values=memory.values, mask=memory.mask
        )
        output, _ = self.cell(tf.concat([embedded, context], axis=-1), [hidden])
        features = tf.concat([output, context, embedded], axis=-1)
        return DecoderStep(features, weights[:, tf.newaxis, tf.newaxis, :], (output,))

    def call(
        self,
        tokens: tf.Tensor,
        state: tuple[tf.Tensor, ...],
        memory: DecoderMemory,
        *,
        training: bool = False,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """All positions of given target inputs, by the same `step`.

        Args:
            tokens: The token before each position, int32 [B, T].
            state: `initial_state(encoded)`.
            memory: `read(encoded, mask)`.
            training: Whether dropout is active.

        Returns:
            Features float [B, T, F] and attention_heads float [B, L, N, T, S].
        """
        embedded = tf.transpose(self.embed(tokens, training=training), [1, 0, 2])  # [T, B, E]
        steps = tf.shape(embedded)[0] if embedded.shape[0] is None else embedded.shape[0]
        inputs = tf.TensorArray(embedded.dtype, steps).unstack(embedded)
        features = tf.TensorArray(embedded.dtype, steps)
        weights = tf.TensorArray(embedded.dtype, steps)

        def body(index, state, features, weights):  # type: ignore[no-untyped-def]
            step = self.step(inputs.read(index), state, memory)
            features = features.write(index, step.features)
            return index + 1, step.state, features, weights.write(index, step.attention_heads)

        _, _, features, weights = tf.while_loop(
            lambda index, *_: index < steps,
            body,
            (tf.constant(0), state, features, weights),
            maximum_iterations=steps,
        )
        # [T, B, F] and [T, B, L, N, S], rows first.
        return tf.transpose(features.stack(), [1, 0, 2]), tf.transpose(
            weights.stack(), [1, 2, 3, 0, 4]
        )
