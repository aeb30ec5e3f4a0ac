"""The score "location"."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.attention.scores.base import Score


class LocationScore(Score):
    """Scores from the query alone: one row of the matrix for every source position.

        score[b, s] = (W q[b])[s]                           Luong et al. 2015, eq. 8, location

    Longer sources cannot be scored: positions from `max_source_tokens` on, which may only be
    padding, get the score of the last row.

    Args:
        max_source_tokens: Rows of W, 1 or more: the longest source.
    """

    def __init__(self, max_source_tokens: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.max_source_tokens = max_source_tokens
        self.position_projection = keras.layers.Dense(
            max_source_tokens, use_bias=False, dtype=self.dtype_policy, name="position_projection"
        )

    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        """The values as they are: nothing of them is read but their number."""
        return values

    def call(self, query: tf.Tensor, projected_keys: tf.Tensor) -> tf.Tensor:
        """Scores, float [B, S]."""
        positions = tf.range(tf.shape(projected_keys)[1])
        rows = tf.minimum(positions, self.max_source_tokens - 1)
        return tf.gather(self.position_projection(query), rows, axis=1)
