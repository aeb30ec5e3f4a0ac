"""Structured self-attention."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.attention.base import at_least_float32, masked_softmax
from model_export.attention.pooling.base import AttentionPooling, PooledOutput


class StructuredSelfAttention(AttentionPooling):
    """Several hops over the positions, each with weights of its own.

        A[b] = softmax(W_s2 tanh(W_s1 H[b]^T))              Lin et al. 2017, eq. 6
        M[b] = A[b] H[b]                                    eq. 7

    The softmax is along the real positions. The context is M, its rows one after the other. The
    penalty that keeps the hops apart is part of the loss: `redundancy_penalty`.

    Args:
        units: Width of the hidden layer, d_a in the paper, 1 or more.
        hop_count: Hops, N, 1 or more; r in the paper.

    Call arguments:
        values: Encoder states, float [B, S, D].
        mask: True at real tokens, bool [B, S].

    Returns:
        PooledOutput: context float [B, N D]; weights float [B, N, S], 0 where masked.
        Each hop's weights sum to 1; those of a row with no real token are all 0.

    Raises:
        ValueError: `units` or `hop_count` is below 1.

    Example:
        >>> import tensorflow as tf
        >>> pooling = StructuredSelfAttention(4, hop_count=3)
        >>> context, weights = pooling(tf.ones([1, 2, 5]), mask=tf.constant([[True, True]]))
        >>> context.shape.as_list(), weights.shape.as_list()
        ([1, 15], [1, 3, 2])
    """

    def __init__(self, units: int, *, hop_count: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        if units < 1 or hop_count < 1:
            raise ValueError(f"units and hop_count must be 1 or more, not {units} and {hop_count}")
        self.hop_count = hop_count
        self.hidden = keras.layers.Dense(
            units, activation="tanh", use_bias=False, dtype=self.dtype_policy, name="hidden"
        )
        self.hops = keras.layers.Dense(
            hop_count, use_bias=False, dtype=self.dtype_policy, name="hops"
        )

    def call(self, values: tf.Tensor, *, mask: tf.Tensor) -> PooledOutput:
        """Context and weights; the shapes are in the class docstring."""
        scores = tf.transpose(self.hops(self.hidden(values)), [0, 2, 1])
        weights = masked_softmax(scores, mask[:, tf.newaxis, :])
        matrix = tf.matmul(weights, values)  # [B, N, D]
        width = self.hop_count * values.shape[-1]
        return PooledOutput(tf.reshape(matrix, [-1, width]), weights)


def redundancy_penalty(weights: tf.Tensor) -> tf.Tensor:
    """What it costs that hops look at the same positions, or at many.

        penalty[b] = || A[b] A[b]^T - I ||_F^2              Lin et al. 2017, eq. 8

    It is 0 if each hop looks at one position, and no two at the same.

    Args:
        weights: A, float [B, N, S].

    Returns:
        Float32, or as wide as the weights, [B].
    """
    weights = at_least_float32(weights)
    overlaps = tf.matmul(weights, weights, transpose_b=True)
    identity = tf.eye(tf.shape(weights)[1], dtype=weights.dtype)
    return tf.reduce_sum(tf.square(overlaps - identity), axis=[1, 2])
