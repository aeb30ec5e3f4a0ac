"""Token vectors, alone, with positions, and as the output layer."""

from __future__ import annotations

import keras
import tensorflow as tf


class TokenEmbedding(keras.layers.Layer):
    """A learned vector for each token, scaled up by the root of the width.

        vector = sqrt(D) E[token]                               Vaswani et al. 2017, 3.4

    The entries of E start with a variance of 1 / D, so that the vectors start with variance 1.

    Args:
        vocabulary_size: Number of ids, V.
        width: Width of the vectors, D.

    Call arguments:
        tokens: Ids, int32 [...].

    Returns:
        Float [..., D].
    """

    def __init__(self, vocabulary_size: int, *, width: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.width = width
        self.table = keras.layers.Embedding(
            vocabulary_size,
            width,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=width**-0.5),
            name="table",
        )

    def call(self, tokens: tf.Tensor) -> tf.Tensor:
        """The vectors; the shapes are in the class docstring."""
        vectors = self.table(tokens)
        return vectors * tf.cast(self.width**0.5, vectors.dtype)


class TiedOutput(keras.layers.Layer):
    """The output layer made of token vectors.

        logits = E features                     Press and Wolf 2017; Vaswani et al. 2017, 3.4

    Args:
        embedding: The tokens' vectors, shared; it must have been called before.

    Call arguments:
        features: Float [..., D].

    Returns:
        Float32 [..., V].
    """

    def __init__(self, embedding: TokenEmbedding, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.embedding = embedding

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Scores before the softmax; the shapes are in the class docstring."""
        table = tf.cast(self.embedding.table.embeddings, features.dtype)
        width = self.embedding.width
        flat = tf.reshape(features, [-1, width])
        logits = tf.cast(tf.matmul(flat, table, transpose_b=True), tf.float32)
        return tf.reshape(logits, tf.concat([tf.shape(features)[:-1], [table.shape[0]]], axis=0))


class PositionedEmbedding(keras.layers.Layer):
    """What a stack of Transformer layers reads: token vectors plus positions, with dropout.

    Args:
        tokens: The tokens' vectors; may be shared.
        positions: The positions' vectors.
        dropout: Share of elements dropped in training, 0 to below 1.

    Call arguments:
        tokens: Ids, int32 [B, T].
        first_position: Position of the first of them, int32 scalar, 0 or more.
        training: Whether dropout is active.

    Returns:
        Float [B, T, D].
    """

    def __init__(
        self,
        tokens: TokenEmbedding,
        positions: keras.layers.Layer,
        *,
        dropout: float = 0.0,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.tokens = tokens
        self.positions = positions
        self.dropout = keras.layers.Dropout(dropout, name="dropout")

    def call(
        self, tokens: tf.Tensor, *, first_position: tf.Tensor | int = 0, training: bool = False
    ) -> tf.Tensor:
        """The vectors; the shapes are in the class docstring."""
        places = tf.range(tf.shape(tokens)[1]) + first_position
        return self.dropout(self.tokens(tokens) + self.positions(places), training=training)
