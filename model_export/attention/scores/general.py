"""The score "general"."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.attention.scores.base import Score


class GeneralScore(Score):
    """The product of query and position with a learned matrix between them.

        score[b, s] = q[b] . W k[b, s]                      Luong et al. 2015, section 3.1

    Args:
        query_width: Q, 1 or more.
    """

    def __init__(self, query_width: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.key_projection = keras.layers.Dense(
            query_width, use_bias=False, dtype=self.dtype_policy, name="key_projection"
        )

    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        """W k: float [B, S, D] to [B, S, Q]."""
        return self.key_projection(values)

    def call(self, query: tf.Tensor, projected_keys: tf.Tensor) -> tf.Tensor:
        """Scores, float [B, S]."""
        return tf.linalg.matvec(projected_keys, query)
