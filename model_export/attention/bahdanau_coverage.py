"""Additive attention that knows what it has read."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.attention.base import (
    Attention,
    AttentionOutput,
    State,
    masked_softmax,
    weighted_sum,
)
from model_export.attention.coverage import Coverage
from model_export.attention.scores import AdditiveScore


class BahdanauCoverageAttention(Attention):
    """Additive attention whose scores see how far each position has been read.

        e[i, j] = v . tanh(W q[i] + U k[j] + V C[i-1, j])       Tu et al. 2016, section 3
        weights[i] = softmax(e[i])                              over real positions only
        context[i] = sum_j weights[i, j] k[j]

    Args:
        units: Width of the scoring network, 1 or more.
        coverage: What C is.

    Call arguments:
        query: Decoder state, float [B, Q].
        projected_keys: `project_keys(values)`, float [B, S, units]. Computed once per source.
        values: Encoder states, float [B, S, D].
        mask: True at real tokens, bool [B, S].
        state: A CoverageState.

    Returns:
        AttentionOutput: context float [B, D]; weights float [B, S], 0 where masked.
        Each row of weights sums to 1; a row with no real token is all 0.
    """

    def __init__(self, units: int, coverage: Coverage, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.score = AdditiveScore(units, dtype=self.dtype_policy, name="score")
        self.coverage = coverage
        self.coverage_projection = keras.layers.Dense(
            units, use_bias=False, dtype=self.dtype_policy, name="coverage_projection"
        )

    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        """The source's part of the score."""
        return self.score.project_keys(values)

    def initial_state(self, values: tf.Tensor, *, sampling: bool = False) -> State:
        """Nothing has been read."""
        del sampling
        return self.coverage.initial_state(values)

    def call(
        self,
        query: tf.Tensor,
        *,
        projected_keys: tf.Tensor,
        values: tf.Tensor,
        mask: tf.Tensor,
        state: State,
    ) -> AttentionOutput:
        """Context, weights and the coverage after them."""
        keys = projected_keys + self.coverage_projection(state.coverage)
        weights = masked_softmax(self.score(query, keys), mask)
        state = self.coverage(state, weights=weights, query=query, values=values)
        return AttentionOutput(weighted_sum(weights, values), weights, state)
