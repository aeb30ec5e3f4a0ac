"""The penalties that order finished hypotheses."""

from __future__ import annotations

from typing import Final

import tensorflow as tf

LEAST_COVERAGE: Final = 0.01
"""Coverage below this counts as this, so that one token never looked at costs 4.6 beta."""


def length_penalties(lengths: tf.Tensor, alpha: tf.Tensor) -> tf.Tensor:
    """What the score of a hypothesis is divided by.

        lp(Y) = ((5 + |Y|) / 6) ^ alpha      Wu et al. 2016, equation 14

    Args:
        lengths: |Y|, tokens of each hypothesis, end token counted, int32; broadcasts with alpha.
        alpha: float32, 0 or more.
    """
    return tf.pow((5.0 + tf.cast(lengths, tf.float32)) / 6.0, alpha)


def coverage_penalties(coverage: tf.Tensor, source_mask: tf.Tensor, beta: tf.Tensor) -> tf.Tensor:
    """What is added to the score of a hypothesis: 0 or less.

        cp(X; Y) = beta sum_s log(min(c[s], 1)),  c[s] = sum_i attention[i, s]
                                                 Wu et al. 2016, equation 14; c[s] >= 0.01

    Args:
        coverage: c, float32 [B, K, S].
        source_mask: True at real source tokens, bool [B, S].
        beta: float32 [B], 0 or more.

    Returns:
        float32 [B, K].
    """
    logarithms = tf.math.log(tf.clip_by_value(coverage, LEAST_COVERAGE, 1.0))
    logarithms = tf.where(source_mask[:, tf.newaxis], logarithms, 0.0)
    return beta[:, tf.newaxis] * tf.reduce_sum(logarithms, axis=-1)
