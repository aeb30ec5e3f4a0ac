"""The additive score."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.attention.scores.base import Score


class AdditiveScore(Score):
    """A small network over query and position.

        score[b, s] = v . tanh(W q[b] + U k[b, s])
                                        Bahdanau et al. 2015, A.1.2 (no bias)
                                        Luong et al. 2015, section 3.1, concat, W_a = [W; U]

    Args:
        units: Width of the network, 1 or more.

    Raises:
        ValueError: `units` is below 1.
    """

    def __init__(self, units: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"units must be 1 or more, not {units}")
        self.units = units
        self.query_projection = self._dense(units, "query_projection")
        self.key_projection = self._dense(units, "key_projection")
        self.score_projection = self._dense(1, "score_projection")

    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        """U k: float [B, S, D] to [B, S, units]."""
        return self.key_projection(values)

    def call(self, query: tf.Tensor, projected_keys: tf.Tensor) -> tf.Tensor:
        """Scores, float [B, S]."""
        energies = tf.tanh(self.query_projection(query)[:, tf.newaxis, :] + projected_keys)
        return tf.squeeze(self.score_projection(energies), axis=-1)

    def _dense(self, units: int, name: str) -> keras.layers.Dense:
        return keras.layers.Dense(units, use_bias=False, dtype=self.dtype_policy, name=name)
