"""Pooling with a context vector."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.attention.pooling.base import AttentionPooling, PooledOutput, pooled_by_scores


class ContextVectorPooling(AttentionPooling):
    """A learned vector asks every position how much it matters.

        u[b, s] = tanh(W h[b, s] + b_w)                     Yang et al. 2016, eq. 5
        alpha[b] = softmax(u[b, s] . u_w)                   eq. 6, over real positions only
        context[b] = sum_s alpha[b, s] h[b, s]              eq. 7

    Over sentence vectors in place of words it is their eqs. 8 to 10.

    Args:
        units: Width of u, 1 or more.

    Call arguments:
        values: Encoder states, float [B, S, D].
        mask: True at real tokens, bool [B, S].

    Returns:
        PooledOutput: context float [B, D]; weights float [B, 1, S], 0 where masked.
        Each row of weights sums to 1; a row with no real token is all 0.

    Raises:
        ValueError: `units` is below 1.

    Example:
        >>> import tensorflow as tf
        >>> pooling = ContextVectorPooling(4)
        >>> output = pooling(tf.ones([1, 3, 2]), mask=tf.constant([[True, True, False]]))
        >>> output.weights.numpy().round(2).tolist()
        [[[0.5, 0.5, 0.0]]]
    """

    def __init__(self, units: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"units must be 1 or more, not {units}")
        self.hidden = keras.layers.Dense(
            units, activation="tanh", dtype=self.dtype_policy, name="hidden"
        )
        self.context_vector = keras.layers.Dense(
            1, use_bias=False, dtype=self.dtype_policy, name="context_vector"
        )

    def call(self, values: tf.Tensor, *, mask: tf.Tensor) -> PooledOutput:
        """Context and weights; the shapes are in the class docstring."""
        scores = tf.squeeze(self.context_vector(self.hidden(values)), axis=-1)
        return pooled_by_scores(scores, values, mask)
