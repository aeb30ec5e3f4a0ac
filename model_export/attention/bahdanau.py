"""Additive attention."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.attention.base import Attention, AttentionOutput, masked_softmax


class BahdanauAttention(Attention):
    """Additive attention: a small network scores each source position.

        e[b, s] = v . tanh(W q[b] + U k[b, s])          Bahdanau et al. 2015, A.1.2 (no bias)
        weights[b] = softmax(e[b])                      eq. 6, over real positions only
        context[b] = sum_s weights[b, s] k[b, s]        eq. 5

    The query is the decoder's state *before* it reads the context, s_{i-1} in the paper.

    Args:
        units: Width of the scoring network, 1 or more.

    Call arguments:
        query: Decoder state, float [B, Q].
        projected_keys: `project_keys(values)`, float [B, S, units]. Computed once per source.
        values: Encoder states, float [B, S, D].
        mask: True at real tokens, bool [B, S].

    Returns:
        AttentionOutput: context float [B, D]; weights float [B, S], 0 where masked.
        Each row of weights sums to 1; a row with no real token is all 0.

    Example:
        >>> import tensorflow as tf
        >>> attention = BahdanauAttention(4)
        >>> values = tf.ones([1, 3, 2])
        >>> context, weights = attention(
        ...     tf.ones([1, 2]), projected_keys=attention.project_keys(values), values=values,
        ...     mask=tf.constant([[True, True, False]]))
        >>> weights.numpy().round(2).tolist()
        [[0.5, 0.5, 0.0]]
    """

    def __init__(self, units: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"units must be 1 or more, not {units}")
        self.units = units
        self.query_projection = keras.layers.Dense(units, use_bias=False, name="query_projection")
        self.key_projection = keras.layers.Dense(units, use_bias=False, name="key_projection")
        self.score_projection = keras.layers.Dense(1, use_bias=False, name="score_projection")

    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        """U k: float [B, S, D] to float [B, S, units]."""
        return self.key_projection(values)

    def call(
        self, query: tf.Tensor, *, projected_keys: tf.Tensor, values: tf.Tensor, mask: tf.Tensor
    ) -> AttentionOutput:
        """Context and weights; the shapes are in the class docstring."""
        projected_query = self.query_projection(query)[:, tf.newaxis, :]  # [B, 1, units]
        energies = tf.tanh(projected_query + projected_keys)
        scores = tf.squeeze(self.score_projection(energies), axis=-1)  # [B, S]
        weights = masked_softmax(scores, mask)
        context = tf.squeeze(tf.matmul(weights[:, tf.newaxis, :], values), axis=1)
        return AttentionOutput(context, weights)
