"""The interface that every attention mechanism of a recurrent decoder has."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, NamedTuple

import tensorflow as tf

from model_export.composite import CompositeLayer

State = Any
"""A nest of tensors with the rows as dimension 0; () where there is nothing to remember."""


class Choice(NamedTuple):
    """How a mechanism that reads one place came to it.

    Attributes:
        log_probability: Of the place that was drawn, float32 [B]; 0 in rows without a draw.
        entropy: Of the weights that it was drawn by, in nats, float32 [B].
    """

    log_probability: tf.Tensor
    entropy: tf.Tensor


class AttentionOutput(NamedTuple):
    """What attention returns.

    Attributes:
        context: Weighted sum of the values, float [B, D].
        weights: How much each source position counts, float [B, S], 0 where masked.
        state: What the mechanism remembers for the next target position.
        choice: Of a mechanism that `chooses`; else ().
    """

    context: tf.Tensor
    weights: tf.Tensor
    state: State
    choice: Choice | tuple[()] = ()


class Attention(CompositeLayer):
    """Attention of a decoder over the positions of a source.

    The part of the scores that depends on the source alone is computed once per source, by
    `project_keys`; the call computes the rest, once per target position. What a mechanism
    remembers from one target position to the next travels as an argument: a layer keeps nothing.
    Masks are passed as arguments too; none is attached to what the layer returns.

    Attributes:
        chooses: Whether its outputs have a `Choice`.
    """

    chooses: bool = False

    @abstractmethod
    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        """The source's part of the scores: from float [B, S, D] to float [B, S, units]."""

    def initial_state(self, values: tf.Tensor, *, sampling: bool = False) -> State:
        """The state before the first target position.

        Args:
            values: Encoder states, float [B, S, D].
            sampling: Whether a mechanism that `chooses` shall draw its places, to learn.
        """
        del values, sampling
        return ()

    @abstractmethod
    def call(
        self,
        query: tf.Tensor,
        *,
        projected_keys: tf.Tensor,
        values: tf.Tensor,
        mask: tf.Tensor,
        state: State,
    ) -> AttentionOutput:
        """Attends once.

        Args:
            query: Decoder state, float [B, Q].
            projected_keys: `project_keys(values)`.
            values: Encoder states, float [B, S, D].
            mask: True at real tokens, bool [B, S]; a row's real tokens come first.
            state: `initial_state(values)`, then the state of the last output.
        """


def weighted_sum(weights: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
    """sum_s weights[b, s] values[b, s]: float [B, S] and [B, S, D] to [B, D]."""
    return tf.squeeze(tf.matmul(weights[:, tf.newaxis, :], values), axis=1)


def at_least_float32(tensor: tf.Tensor) -> tf.Tensor:
    """Half precision as float32, anything wider as it is."""
    return tf.cast(tensor, tf.float32) if tensor.dtype.size < tf.float32.size else tensor


def masked_softmax(scores: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Softmax over the last axis, over the positions where the mask is true.

    Args:
        scores: Float [..., S]; half precision is computed with in float32.
        mask: Bool, broadcastable to `scores`.

    Returns:
        Weights of the scores' dtype and shape: exactly 0 where masked. A row sums to 1, or is
        all 0 if nothing in it is unmasked.
    """
    precise = at_least_float32(scores)
    masked_scores = tf.where(mask, precise, precise.dtype.min)
    shifted = masked_scores - tf.stop_gradient(tf.reduce_max(masked_scores, axis=-1, keepdims=True))
    exponentials = tf.where(mask, tf.exp(shifted), tf.zeros_like(shifted))
    total = tf.reduce_sum(exponentials, axis=-1, keepdims=True)
    return tf.cast(tf.math.divide_no_nan(exponentials, total), scores.dtype)
