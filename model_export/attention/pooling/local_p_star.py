"""Local attention for one output."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.attention.base import at_least_float32
from model_export.attention.pooling.base import AttentionPooling, PooledOutput, pooled_by_weights


class LocalPStarPooling(AttentionPooling):
    """Reads the few positions that a predictor thinks most of, and nothing else.

        p[b, s] = sigmoid(v . tanh(W h[b, s]))
        kept[b] = the K real positions of the largest p[b]; all if there are fewer
        weights[b, s] = p[b, s] / sum over kept[b] of p[b], and 0 at the others
        context[b] = sum_s weights[b, s] h[b, s]

    A variant, in no paper, of the predictor of Luong et al. 2015, eq. 9 (local-p): with a single
    output there is no decoder state to predict one place from, so every state is asked about its
    own. Of equal positions the earlier is kept. The gradient reaches W and v through the kept
    positions alone.

    Args:
        units: Width of the predictor, 1 or more.
        kept_positions: K, 1 or more.

    Call arguments:
        values: Encoder states, float [B, S, D].
        mask: True at real tokens, bool [B, S].

    Returns:
        PooledOutput: context float [B, D]; weights float [B, 1, S], 0 where masked and at all but
        K positions. Each row of weights sums to 1; a row with no real token is all 0.

    Raises:
        ValueError: `units` or `kept_positions` is below 1.

    Example:
        >>> import tensorflow as tf
        >>> pooling = LocalPStarPooling(4, kept_positions=2)
        >>> output = pooling(tf.ones([1, 3, 5]), mask=tf.ones([1, 3], tf.bool))
        >>> output.weights.numpy().round(2).tolist()
        [[[0.5, 0.5, 0.0]]]
    """

    def __init__(self, units: int, *, kept_positions: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        if units < 1 or kept_positions < 1:
            raise ValueError(
                f"units and kept_positions must be 1 or more, not {units} and {kept_positions}"
            )
        self.kept_positions = kept_positions
        self.hidden = keras.layers.Dense(
            units, activation="tanh", use_bias=False, dtype=self.dtype_policy, name="hidden"
        )
        self.score = keras.layers.Dense(1, use_bias=False, dtype=self.dtype_policy, name="score")

    def call(self, values: tf.Tensor, *, mask: tf.Tensor) -> PooledOutput:
        """Context and weights; the shapes are in the class docstring."""
        scores = at_least_float32(tf.squeeze(self.score(self.hidden(values)), axis=-1))
        kept = self._kept(scores, mask)
        shares = tf.where(kept, tf.sigmoid(scores), tf.zeros_like(scores))
        total = tf.reduce_sum(shares, axis=-1, keepdims=True)
        weights = tf.math.divide_no_nan(shares, total)
        return pooled_by_weights(tf.cast(weights, values.dtype), values)

    def _kept(self, scores: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """Which positions count, bool [B, S]."""
        real_scores = tf.where(mask, scores, scores.dtype.min)
        width = tf.shape(scores)[1]
        _, best = tf.math.top_k(real_scores, tf.minimum(self.kept_positions, width))
        is_best = tf.reduce_any(tf.one_hot(best, width, on_value=True, off_value=False), axis=1)
        return is_best & mask
