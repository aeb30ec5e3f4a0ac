"""Vectors that say where a position is."""

from __future__ import annotations

import math

import keras
import tensorflow as tf


class SinusoidalPositions(keras.layers.Layer):
    """Waves of rising length; nothing is learned, and any length has a vector.

        p[pos, 2i]     = sin(pos / 10000^(2i / D))              Vaswani et al. 2017, 3.5
        p[pos, 2i + 1] = cos(pos / 10000^(2i / D))

    Args:
        width: Width of the vectors, D, even.

    Call arguments:
        positions: Positions counted from 0, int32 [T].

    Returns:
        Float [T, D].

    Raises:
        ValueError: The width is odd.
    """

    def __init__(self, width: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        if width < 2 or width % 2:
            raise ValueError(f"sinusoidal positions need an even width, not {width}")
        self.width = width

    def call(self, positions: tf.Tensor) -> tf.Tensor:
        """The vectors; the shapes are in the class docstring."""
        exponents = tf.range(0, self.width, 2, dtype=tf.float32) / self.width
        rates = tf.exp(-math.log(10_000.0) * exponents)  # [D / 2]
        angles = tf.cast(positions, tf.float32)[:, tf.newaxis] * rates
        pairs = tf.stack([tf.sin(angles), tf.cos(angles)], axis=-1)  # [T, D / 2, 2]
        return tf.cast(tf.reshape(pairs, [-1, self.width]), self.compute_dtype)


class LearnedPositions(keras.layers.Layer):
    """A learned vector for each position.

    Args:
        width: Width of the vectors, D.
        max_length: Positions that have a vector; asking for another is an error.

    Call arguments:
        positions: Positions counted from 0, int32 [T], each below `max_length`.

    Returns:
        Float [T, D].
    """

    def __init__(self, width: int, *, max_length: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.table = keras.layers.Embedding(
            max_length,
            width,
            embeddings_initializer=keras.initializers.RandomNormal(stddev=width**-0.5),
            name="table",
        )

    def call(self, positions: tf.Tensor) -> tf.Tensor:
        """The vectors; the shapes are in the class docstring."""
        return self.table(positions)
