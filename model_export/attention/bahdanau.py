"""Additive attention."""

from __future__ import annotations

from model_export.attention.global_attention import GlobalAttention
from model_export.attention.scores import AdditiveScore


class BahdanauAttention(GlobalAttention):
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
        state: ().

    Returns:
        AttentionOutput: context float [B, D]; weights float [B, S], 0 where masked.
        Each row of weights sums to 1; a row with no real token is all 0.

    Raises:
        ValueError: `units` is below 1.

    Example:
        >>> import tensorflow as tf
        >>> attention = BahdanauAttention(4)
        >>> values = tf.ones([1, 3, 2])
        >>> output = attention(
        ...     tf.ones([1, 2]), projected_keys=attention.project_keys(values), values=values,
        ...     mask=tf.constant([[True, True, False]]), state=())
        >>> output.weights.numpy().round(2).tolist()
        [[0.5, 0.5, 0.0]]
    """

    def __init__(self, units: int, *, dtype: object = None, name: str | None = None) -> None:
        super().__init__(AdditiveScore(units, dtype=dtype, name="score"), dtype=dtype, name=name)
