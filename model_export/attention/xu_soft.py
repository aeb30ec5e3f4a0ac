"""Soft attention with a gate."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.attention.base import AttentionOutput, State
from model_export.attention.global_attention import GlobalAttention
from model_export.attention.scores import AdditiveScore


class XuSoftAttention(GlobalAttention):
    """Additive attention whose context is scaled by a gate that the decoder opens.

        alpha[b] = softmax(v . tanh(W q[b] + U k[b, s]))    Xu et al. 2015, eqs. 4-5
        beta[b] = sigmoid(f . q[b] + b_f)                   section 4.2.1
        context[b] = beta[b] sum_s alpha[b, s] k[b, s]      section 4.2.1

    The query is the decoder's state before it reads the context, h_{t-1}. The weights are alpha:
    the gate scales what is read, not where it is read. The penalty that keeps every position
    looked at is part of the loss: `model_export.training.loss.doubly_stochastic_penalty`.

    Args:
        units: Width of the scoring network, 1 or more.
        gate: Whether there is a gate; else beta is 1.

    Call arguments:
        query: Decoder state, float [B, Q].
        projected_keys: `project_keys(values)`, float [B, S, units].
        values: Encoder states, float [B, S, D].
        mask: True at real tokens, bool [B, S].
        state: ().

    Returns:
        AttentionOutput: context float [B, D]; weights float [B, S], 0 where masked.
        Each row of weights sums to 1; a row with no real token is all 0.
    """

    def __init__(
        self, units: int, *, gate: bool = True, dtype: object = None, name: str | None = None
    ) -> None:
        super().__init__(AdditiveScore(units, dtype=dtype, name="score"), dtype=dtype, name=name)
        self.gate = (
            keras.layers.Dense(1, activation="sigmoid", dtype=self.dtype_policy, name="gate")
            if gate
            else None
        )

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
        output = super().call(
            query, projected_keys=projected_keys, values=values, mask=mask, state=state
        )
        return output._replace(context=self.gated(query, output.context))

    def gated(self, query: tf.Tensor, context: tf.Tensor) -> tf.Tensor:
        """Beta times the context, float [B, D]."""
        return context if self.gate is None else self.gate(query) * context
