"""Multi-head attention."""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf

from model_export.attention.scaled_dot_product import (
    AttendedValues,
    scaled_dot_product_attention,
)


class HeadMemory(NamedTuple):
    """Keys and values of every head; computed once per position, and kept.

    Attributes:
        keys: Float [B, N, S, D / N].
        values: Float [B, N, S, D / N].
    """

    keys: tf.Tensor
    values: tf.Tensor


class MultiHeadAttention(keras.layers.Layer):
    """Several attentions beside each other, each in a part of the width.

        head_n = attention(Q W_n^Q, K W_n^K, V W_n^V)           Vaswani et al. 2017, 3.2.2
        output = [head_1; ...; head_N] W^O

    The N projections are one matrix product, split into heads by a reshape. All have a bias,
    as in the authors' own program.

    Args:
        width: Width of the inputs and of the output, D; a multiple of `head_count`.
        head_count: Heads, N, 1 or more.

    Call arguments:
        queries: Float [B, T, D].
        memory: `project(inputs)`, or that of more positions.
        mask: True where a query may look, bool, broadcastable to [B, N, T, S].

    Returns:
        AttendedValues: context float [B, T, D]; weights float32 [B, N, T, S], 0 where masked.

    Raises:
        ValueError: The width is no multiple of the heads.

    Example:
        >>> import tensorflow as tf
        >>> attention = MultiHeadAttention(4, head_count=2)
        >>> inputs = tf.ones([1, 3, 4])
        >>> context, weights = attention(
        ...     inputs, memory=attention.project(inputs), mask=tf.ones([1, 1, 1, 3], tf.bool))
        >>> context.shape.as_list(), weights.shape.as_list()
        ([1, 3, 4], [1, 2, 3, 3])
    """

    def __init__(self, width: int, *, head_count: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        if head_count < 1 or width < 1 or width % head_count:
            raise ValueError(f"width {width} is no multiple of head_count {head_count}")
        self.supports_masking = True  # masks come as arguments, and go no further
        self.width = width
        self.head_count = head_count
        self.query_projection = keras.layers.Dense(width, name="query_projection")
        self.key_projection = keras.layers.Dense(width, name="key_projection")
        self.value_projection = keras.layers.Dense(width, name="value_projection")
        self.output_projection = keras.layers.Dense(width, name="output_projection")

    def build(self, queries_shape: object) -> None:
        """Makes the weights, whose shapes the width alone decides."""
        for projection in (
            self.query_projection,
            self.key_projection,
            self.value_projection,
            self.output_projection,
        ):
            if not projection.built:
                projection.build((None, None, self.width))
        self.built = True

    def compute_mask(self, *args: object, **kwargs: object) -> None:
        """Nothing: outputs carry no mask of Keras' own."""

    def project(self, inputs: tf.Tensor) -> HeadMemory:
        """Keys and values of positions float [B, S, D]."""
        return HeadMemory(
            self._split(self.key_projection(inputs)), self._split(self.value_projection(inputs))
        )

    def call(self, queries: tf.Tensor, *, memory: HeadMemory, mask: tf.Tensor) -> AttendedValues:
        """Context and weights; the shapes are in the class docstring."""
        context, weights = scaled_dot_product_attention(
            self._split(self.query_projection(queries)),
            keys=memory.keys,
            values=memory.values,
            mask=mask,
        )
        shape = tf.shape(queries)
        joined = tf.reshape(tf.transpose(context, [0, 2, 1, 3]), [shape[0], shape[1], self.width])
        return AttendedValues(self.output_projection(joined), weights)

    def _split(self, projected: tf.Tensor) -> tf.Tensor:
        """[B, S, D] to [B, N, S, D / N]."""
        shape = tf.shape(projected)
        heads = [shape[0], shape[1], self.head_count, self.width // self.head_count]
        return tf.transpose(tf.reshape(projected, heads), [0, 2, 1, 3])
