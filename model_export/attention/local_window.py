"""What local attention does around a position."""

from __future__ import annotations

import tensorflow as tf

from model_export.attention.base import at_least_float32, masked_softmax


def local_weights(
    scores: tf.Tensor,
    mask: tf.Tensor,
    centers: tf.Tensor,
    *,
    half_width: int,
    hard_window: bool,
    gaussian: bool,
) -> tf.Tensor:
    """Weights around one position per row.

        align[b, s] = softmax(scores[b]) over the window [p_b - D, p_b + D]
        weights[b, s] = align[b, s] exp(-(s - p_b)^2 / (2 sigma^2)),  sigma = D / 2
                                                        Luong et al. 2015, eqs. 7 and 10

    Positions count from 0. What the window has beyond the source is ignored; where it holds no
    real position at all, the row is all 0.

    Args:
        scores: Float [B, S].
        mask: True at real tokens, bool [B, S].
        centers: p, float [B].
        half_width: D, 1 or more.
        hard_window: Whether the softmax is over the window; else it is over the whole source.
        gaussian: Whether the factor exp(...) applies.

    Returns:
        Weights of the scores' dtype, float [B, S].
    """
    centers = at_least_float32(centers)
    positions = tf.cast(tf.range(tf.shape(scores)[1]), centers.dtype)
    distances = positions[tf.newaxis, :] - centers[:, tf.newaxis]
    if hard_window:
        mask = mask & (tf.abs(distances) <= half_width)
    weights = masked_softmax(scores, mask)
    if gaussian:
        sigma = half_width / 2.0
        weights *= tf.cast(tf.exp(-tf.square(distances) / (2.0 * sigma**2)), weights.dtype)
    return weights
