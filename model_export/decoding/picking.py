"""Which token a row takes next, and its score."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from heed.contract import SPECIAL_IDS
from model_export.decoding.constraints import allowed_scores, with_prefix
from model_export.decoding.options import DecodingOptions


class Picked(NamedTuple):
    """The next token of every row, int32 [B], and its log-probability, float32 [B]."""

    tokens: tf.Tensor
    token_scores: tf.Tensor


def picked(
    logits: tf.Tensor,
    step: tf.Tensor,
    options: DecodingOptions,
    *,
    choose: Callable[[tf.Tensor], tf.Tensor],
) -> Picked:
    """The next token within a row's limits, or its prefix' token.

    Args:
        logits: float32 [B, V].
        step: Tokens generated so far, int32 scalar.
        options: Limits and forced tokens of each row.
        choose: From logits, the lowest number there is at tokens ruled out, to int32 [B].
    """
    choosable = allowed_scores(logits, step, options.min_lengths)
    tokens = with_prefix(choose(choosable), step, options)
    return Picked(tokens, _scores_of(logits, tokens))


def most_probable(
    logits: tf.Tensor, step: tf.Tensor, options: DecodingOptions, *, limited_steps: tf.Tensor
) -> Picked:
    """The most probable token within a row's limits, or its prefix' token.

    Args:
        logits: float32 [B, V].
        step: Tokens generated so far, int32 scalar.
        options: Limits and forced tokens of each row.
        limited_steps: `limited_steps(options)`; from that step on the choice is free, and cheap.
    """

    def free() -> Picked:
        values, ids = tf.math.top_k(tf.nn.softmax(logits) + never_bias(logits), 1)
        # Probabilities of 0 cannot be told apart: all of it is at tokens never chosen.
        found: Picked = tf.cond(
            tf.reduce_all(values > 0),
            lambda: Picked(ids[:, 0], tf.math.log(values[:, 0])),
            limited,
        )
        return found

    def limited() -> Picked:
        return picked(
            logits,
            step,
            options,
            choose=lambda choosable: tf.argmax(choosable, axis=-1, output_type=tf.int32),
        )

    found: Picked = tf.cond(step < limited_steps, limited, free)
    return found


def _scores_of(logits: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
    """Log-probabilities of tokens, float32 [B]: to the last bit those of a free choice."""
    everywhere = tf.nn.softmax(logits)
    probabilities = tf.gather(everywhere, tokens, batch_dims=1)
    of_rare = tf.gather(logits, tokens, batch_dims=1) - log_sums(logits, everywhere)[:, 0]
    is_rare = probabilities < np.finfo(np.float32).tiny
    return tf.where(is_rare, of_rare, tf.math.log(probabilities))


def log_sums(logits: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    """The logarithm of the sum of exp(logits), [..., 1], from the largest and its probability.

    Args:
        logits: float32 [..., V].
        probabilities: Their softmax.
    """
    largest = tf.reduce_max(logits, axis=-1, keepdims=True)
    return largest - tf.math.log(tf.reduce_max(probabilities, axis=-1, keepdims=True))


def limited_steps(options: DecodingOptions) -> tf.Tensor:
    """From which step on no row has a prefix or is too short to end, int32 scalar."""
    return tf.reduce_max(tf.concat([options.min_lengths, options.prefix_lengths, [0]], axis=0))


def never_bias(logits: tf.Tensor) -> tf.Tensor:
    """Minus infinity at `pad` and `begin`, which are never chosen, and 0 elsewhere; float32 [V]."""
    vocabulary_size = logits.shape[-1]
    if vocabulary_size is not None:
        bias = np.zeros(vocabulary_size, np.float32)
        bias[[SPECIAL_IDS.pad, SPECIAL_IDS.begin]] = -math.inf
        return tf.constant(bias)
    ids = tf.range(tf.shape(logits)[-1])
    return tf.where((ids == SPECIAL_IDS.pad) | (ids == SPECIAL_IDS.begin), -math.inf, 0.0)
