"""Local attention with predictive alignment."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.attention.base import (
    Attention,
    AttentionOutput,
    State,
    at_least_float32,
    weighted_sum,
)
from model_export.attention.local_window import local_weights
from model_export.attention.scores import Score


class LuongLocalPredictiveAttention(Attention):
    """Local attention around a position that the decoder predicts.

        p[b] = S_b sigmoid(v . tanh(W q[b]))                Luong et al. 2015, eq. 9
        weights[b, s] = align[b, s] exp(-(s - p[b])^2 / (2 sigma^2)),  sigma = D / 2     eq. 10
        context[b] = sum_s weights[b, s] k[b, s]

    S_b is the row's own length, from its mask. Positions count from 0. The Gaussian carries the
    gradient to W and v.

    Args:
        score: How well query and position match.
        units: Width of the network that predicts the position, 1 or more; the paper has Q.
        half_width: D, 1 or more.
        hard_window: Whether `align` is a softmax over [p - D, p + D], as in the paper, or over
            the whole source, so that weights change smoothly with p.

    Call arguments:
        query: Decoder state, float [B, Q].
        projected_keys: `project_keys(values)`, float [B, S, units].
        values: Encoder states, float [B, S, D].
        mask: True at real tokens, bool [B, S].
        state: ().

    Returns:
        AttentionOutput: context float [B, D]; weights float [B, S], 0 where masked. A row of
        weights sums to at most 1, because of the Gaussian.
    """

    def __init__(
        self,
        score: Score,
        *,
        units: int,
        half_width: int,
        hard_window: bool = True,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.score = score
        self.half_width = half_width
        self.hard_window = hard_window
        self.position_hidden = keras.layers.Dense(
            units,
            activation="tanh",
            use_bias=False,
            dtype=self.dtype_policy,
            name="position_hidden",
        )
        self.position_projection = keras.layers.Dense(
            1, use_bias=False, dtype=self.dtype_policy, name="position_projection"
        )

    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        """The source's part of the score."""
        return self.score.project_keys(values)

    def predict_positions(self, query: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """p, float [B], between 0 and each row's length."""
        shares = tf.squeeze(self.position_projection(self.position_hidden(query)), axis=-1)
        shares = tf.sigmoid(at_least_float32(shares))
        return shares * tf.reduce_sum(tf.cast(mask, shares.dtype), axis=-1)

    def call(
        self,
        query: tf.Tensor,
        *,
        projected_keys: tf.Tensor,
        values: tf.Tensor,
        mask: tf.Tensor,
        state: State,
    ) -> AttentionOutput:
        """Context and weights; the shapes are in the class docstring."""
        weights = local_weights(
            self.score(query, projected_keys),
            mask,
            self.predict_positions(query, mask),
            half_width=self.half_width,
            hard_window=self.hard_window,
            gaussian=True,
        )
        return AttentionOutput(weighted_sum(weights, values), weights, state)
