"""Feed-forward attention."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.attention.pooling.base import AttentionPooling, PooledOutput, pooled_by_scores


class FeedForwardPooling(AttentionPooling):
    """A function of each position alone says how much it matters.

        e[b, s] = a(h[b, s]),  a(h) = tanh(w . h + b_w)     Raffel and Ellis 2015
        alpha[b] = softmax(e[b])                            over real positions only
        context[b] = sum_s alpha[b, s] h[b, s]

    Scores lie between -1 and 1, so a position gets at most e^2 = 7.4 times another's weight.

    Call arguments:
        values: Encoder states, float [B, S, D].
        mask: True at real tokens, bool [B, S].

    Returns:
        PooledOutput: context float [B, D]; weights float [B, 1, S], 0 where masked.
        Each row of weights sums to 1; a row with no real token is all 0.

    Example:
        >>> import tensorflow as tf
        >>> output = FeedForwardPooling()(tf.ones([1, 2, 3]), mask=tf.constant([[True, True]]))
        >>> output.weights.numpy().round(2).tolist()
        [[[0.5, 0.5]]]
    """

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.score = keras.layers.Dense(1, activation="tanh", dtype=self.dtype_policy, name="score")

    def call(self, values: tf.Tensor, *, mask: tf.Tensor) -> PooledOutput:
        """Context and weights; the shapes are in the class docstring."""
        return pooled_by_scores(tf.squeeze(self.score(values), axis=-1), values, mask)
