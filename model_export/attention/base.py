"""The interface that every attention mechanism of a decoder has."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import keras
import tensorflow as tf


class AttentionOutput(NamedTuple):
    """What attention returns.

    Attributes:
        context: Weighted sum of the values, float [B, D].
        weights: How much each source position counts, float [B, S], 0 where masked.
    """

    context: tf.Tensor
    weights: tf.Tensor


class Attention(keras.layers.Layer):
    """Attention of a decoder over the positions of a source.

    The part of the scores that depends on the source alone is computed once per source, by
    `project_keys`; the call computes the rest, once per target position. Masks are passed as
    arguments; none is attached to what the layer returns.
    """

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_mask(self, *args: object, **kwargs: object) -> None:
        """Nothing: outputs carry no mask of Keras' own."""

    @abstractmethod
    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        """The source's part of the scores: from float [B, S, D] to float [B, S, units]."""

    @abstractmethod
    def call(
        self, query: tf.Tensor, *, projected_keys: tf.Tensor, values: tf.Tensor, mask: tf.Tensor
    ) -> AttentionOutput:
        """Context and weights for a query float [B, D]; see `AttentionOutput`."""


def masked_softmax(scores: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Softmax over the last axis, over the positions where the mask is true.

    Args:
        scores: Float [..., S].
        mask: Bool, broadcastable to `scores`.

    Returns:
        Weights of the scores' dtype and shape: exactly 0 where masked. A row sums to 1, or is
        all 0 if nothing in it is unmasked.
    """
    lowest = tf.constant(scores.dtype.min, scores.dtype)
    masked_scores = tf.where(mask, scores, lowest)
    shifted = masked_scores - tf.stop_gradient(tf.reduce_max(masked_scores, axis=-1, keepdims=True))
    exponentials = tf.where(mask, tf.exp(shifted), tf.zeros_like(shifted))
    return tf.math.divide_no_nan(exponentials, tf.reduce_sum(exponentials, axis=-1, keepdims=True))
