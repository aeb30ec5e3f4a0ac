"""The interface of attention that makes one vector of many: pooling."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import keras
import tensorflow as tf

from model_export.attention.base import masked_softmax


class PooledOutput(NamedTuple):
    """What pooling returns.

    Attributes:
        context: What was read, float [B, P].
        weights: How much each position counts, float [B, N, S], 0 where masked.
    """

    context: tf.Tensor
    weights: tf.Tensor


class AttentionPooling(keras.layers.Layer):
    """Attention over the positions of a source that nothing but the source decides.

    There is no decoder that asks: the layer's own weights do. Masks are passed as arguments; none
    is attached to what the layer returns, and a layer keeps nothing between calls.
    """

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def compute_mask(self, *args: object, **kwargs: object) -> None:
        """Nothing: outputs carry no mask of Keras' own."""

    @abstractmethod
    def call(self, values: tf.Tensor, *, mask: tf.Tensor) -> PooledOutput:
        """Reads once.

        Args:
            values: Encoder states, float [B, S, D].
            mask: True at real tokens, bool [B, S]; a row's real tokens come first.
        """


def pooled_by_scores(scores: tf.Tensor, values: tf.Tensor, mask: tf.Tensor) -> PooledOutput:
    """Softmax over the real positions, and the sum of the values that it weights.

    Args:
        scores: Float [B, S].
        values: Float [B, S, D].
        mask: True at real tokens, bool [B, S].

    Returns:
        PooledOutput: context float [B, D]; weights float [B, 1, S].
    """
    return pooled_by_weights(masked_softmax(scores, mask), values)


def pooled_by_weights(weights: tf.Tensor, values: tf.Tensor) -> PooledOutput:
    """The sum of values, float [B, S, D], weighted by float [B, S]."""
    weights = weights[:, tf.newaxis, :]
    return PooledOutput(tf.squeeze(tf.matmul(weights, values), axis=1), weights)
