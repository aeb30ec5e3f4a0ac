"""Scaled dot-product attention."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from model_export.attention.base import masked_softmax


class AttendedValues(NamedTuple):
    """What attention of many queries at once returns.

    Attributes:
        context: For each query the weighted sum of the values, float [..., T, D].
        weights: How much each position counts for it, float32 [..., T, S], 0 where masked.
    """

    context: tf.Tensor
    weights: tf.Tensor


def scaled_dot_product_attention(
    queries: tf.Tensor, *, keys: tf.Tensor, values: tf.Tensor, mask: tf.Tensor
) -> AttendedValues:
    """Every query looks at every position: dot products, scaled, softmax, weighted sum.

        attention(Q, K, V) = softmax(Q K^T / sqrt(d)) V         Vaswani et al. 2017, eq. 1

    The softmax is taken in float32, whatever the inputs' number format. Leading dimensions
    (rows, heads) are written "..." and are the same in all four arguments, or broadcast.

    Args:
        queries: Float [..., T, d].
        keys: Float [..., S, d].
        values: Float [..., S, D].
        mask: True where a query may look, bool, broadcastable to [..., T, S].

    Returns:
        AttendedValues: context [..., T, D] in the values' format; weights float32 [..., T, S],
        exactly 0 where masked. Each row of weights sums to 1; where nothing may be looked at,
        weights and context are all 0.

    Example:
        >>> import tensorflow as tf
        >>> values = tf.constant([[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]])
        >>> context, weights = scaled_dot_product_attention(
        ...     tf.ones([1, 2]), keys=values, values=values,
        ...     mask=tf.constant([[True, True, False]]))
        >>> weights.numpy().tolist(), context.numpy().tolist()
        ([[0.5, 0.5, 0.0]], [[0.5, 0.5]])
    """
    width = queries.shape[-1]
    scores = tf.cast(tf.matmul(queries, keys, transpose_b=True), tf.float32)  # [..., T, S]
    weights = masked_softmax(scores * float(width) ** -0.5, mask)
    return AttendedValues(tf.matmul(tf.cast(weights, values.dtype), values), weights)
