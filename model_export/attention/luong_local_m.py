"""Local attention with monotonic alignment."""

from __future__ import annotations

import tensorflow as tf

from model_export.attention.base import Attention, AttentionOutput, State, weighted_sum
from model_export.attention.local_window import local_weights
from model_export.attention.scores import Score


class LuongLocalMonotonicAttention(Attention):
    """Local attention around the target's own position: source and target advance together.

        p[b] = t                                            Luong et al. 2015, section 3.2, local-m
        weights[b] = softmax(score(q[b], k[b])) over [p - D, p + D]
        context[b] = sum_s weights[b, s] k[b, s]

    Positions count from 0. A target longer than its source by more than D leaves the source: its
    weights and its context are then 0.

    Args:
        score: How well query and position match.
        half_width: D, 1 or more.
        hard_window: Whether positions outside the window get no weight, as in the paper.
        gaussian: Whether weights are multiplied by eq. 10's Gaussian, which the paper does for
            local-p alone.

    Call arguments:
        query: Decoder state, float [B, Q].
        projected_keys: `project_keys(values)`, float [B, S, units].
        values: Encoder states, float [B, S, D].
        mask: True at real tokens, bool [B, S].
        state: t, the target position of each row, int32 [B].

    Returns:
        AttentionOutput: context float [B, D]; weights float [B, S], 0 where masked. A row of
        weights sums to at most 1.
    """

    def __init__(
        self,
        score: Score,
        *,
        half_width: int,
        hard_window: bool = True,
        gaussian: bool = False,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.score = score
        self.half_width = half_width
        self.hard_window = hard_window
        self.gaussian = gaussian

    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        """The source's part of the score."""
        return self.score.project_keys(values)

    def initial_state(self, values: tf.Tensor, *, sampling: bool = False) -> State:
        """Target position 0 in every row."""
        return tf.zeros([tf.shape(values)[0]], tf.int32)

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
            tf.cast(state, values.dtype if values.dtype == tf.float64 else tf.float32),
            half_width=self.half_width,
            hard_window=self.hard_window,
            gaussian=self.gaussian,
        )
        return AttentionOutput(weighted_sum(weights, values), weights, state + 1)
