"""Global attention."""

from __future__ import annotations

import tensorflow as tf

from model_export.attention.base import (
    Attention,
    AttentionOutput,
    State,
    masked_softmax,
    weighted_sum,
)
from model_export.attention.scores import Score


class GlobalAttention(Attention):
    """Attention over all positions of the source, by any score.

        weights[b] = softmax(score(q[b], k[b]))             Luong et al. 2015, eq. 7
        context[b] = sum_s weights[b, s] k[b, s]

    The softmax is over real positions only.

    Args:
        score: How well query and position match.

    Call arguments:
        query: Decoder state, float [B, Q].
        projected_keys: `project_keys(values)`, float [B, S, units]. Computed once per source.
        values: Encoder states, float [B, S, D].
        mask: True at real tokens, bool [B, S].
        state: ().

    Returns:
        AttentionOutput: context float [B, D]; weights float [B, S], 0 where masked.
        Each row of weights sums to 1; a row with no real token is all 0.
    """

    def __init__(self, score: Score, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.score = score

    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        """The source's part of the score."""
        return self.score.project_keys(values)

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
        weights = masked_softmax(self.score(query, projected_keys), mask)
        return AttentionOutput(weighted_sum(weights, values), weights, state)
