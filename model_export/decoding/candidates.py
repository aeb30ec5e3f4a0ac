"""The best continuations of a beam."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import tensorflow as tf

from heed.contract import SPECIAL_IDS
from model_export.decoding.constraints import allowed_tokens, prefix_at
from model_export.decoding.options import DecodingOptions
from model_export.decoding.picking import log_sums, never_bias
from model_export.decoding.repeated_ngrams import NgramHistory, repeating_tokens

_FEWEST_FOR_BLOCKS: Final = 1024
"""A smaller vocabulary is searched at once."""


class Candidates(NamedTuple):
    """Continuations of the open hypotheses of each row, best first; [B, C] each.

    Attributes:
        scores: Log-probability of the hypothesis with its new token, float32; -inf = none.
        parents: Which open hypothesis it continues, int32, 0 to K - 1.
        tokens: The new token, int32.
        token_scores: The new token's log-probability, float32.
    """

    scores: tf.Tensor
    parents: tf.Tensor
    tokens: tf.Tensor
    token_scores: tf.Tensor


def choosable_logits(
    logits: tf.Tensor,
    step: tf.Tensor,
    options: DecodingOptions,
    *,
    history: NgramHistory,
    no_repeat_ngram: tf.Tensor,
    limited: tf.Tensor,
) -> tf.Tensor:
    """Logits float32 [B, K, V], -inf at tokens that may not continue a hypothesis.

    A prefix goes before everything else. Where repetition is ruled out and nothing is left, the
    output may end although it is too short.

    Args:
        logits: float32 [B, K, V].
        step: Tokens each hypothesis has, int32 scalar.
        options: Limits and forced tokens of each row.
        history: Of the hypotheses.
        no_repeat_ngram: int32 [B]; 0 = all may be repeated.
        limited: `limited_steps(options)`; from that step on a batch without history is cheap.
    """
    has_history = tf.shape(history.tokens)[-1] > 0

    def ruled_out() -> tf.Tensor:
        choosable = _choosable_tokens(
            tf.shape(logits)[2], step, options, history=history, no_repeat_ngram=no_repeat_ngram
        )
        return tf.where(choosable, logits, -math.inf)

    return tf.cond(
        has_history | (step < limited),
        ruled_out,
        lambda: logits + never_bias(logits),
    )


def _choosable_tokens(
    vocabulary_size: tf.Tensor,
    step: tf.Tensor,
    options: DecodingOptions,
    *,
    history: NgramHistory,
    no_repeat_ngram: tf.Tensor,
) -> tf.Tensor:
    """Which tokens may continue each hypothesis, bool [B, 1 or K, V]."""
    allowed = allowed_tokens(vocabulary_size, step, options.min_lengths)[:, tf.newaxis]

    def without_repeats() -> tf.Tensor:
        repeating = repeating_tokens(history, step, no_repeat_ngram, vocabulary_size)
        left = allowed & ~repeating
        is_end = tf.range(vocabulary_size) == SPECIAL_IDS.end
        return left | (is_end & ~tf.reduce_any(left, axis=-1, keepdims=True))

    has_history = tf.shape(history.tokens)[-1] > 0
    allowed = tf.cond(has_history, without_repeats, lambda: allowed)
    forced, is_forced = prefix_at(step, options)
    is_prefix = (tf.range(vocabulary_size) == forced[:, tf.newaxis])[:, tf.newaxis]
    return tf.where(is_forced[:, tf.newaxis, tf.newaxis], is_prefix, allowed)


def best_candidates(logits: tf.Tensor, open_scores: tf.Tensor, choosable: tf.Tensor) -> Candidates:
    """The 2 K best continuations of each row; ties go to the better parent, then the lower id.

    Args:
        logits: float32 [B, K, V].
        open_scores: Log-probability of each open hypothesis, float32 [B, K]; -inf = none.
        choosable: The logits with -inf at what may not be chosen, float32 [B, K, V].
    """
    beam_width, vocabulary_size = tf.shape(logits)[1], tf.shape(logits)[2]
    # Of the 2 K best, at least K go on: only the end token closes a hypothesis, one for each.
    # Of one parent, no more than K + 1 can be among them.
    per_parent = tf.minimum(beam_width + 1, vocabulary_size)
    values, ids = _largest(choosable, per_parent)
    token_scores = values - log_sums(logits, tf.nn.softmax(logits))
    totals = open_scores[:, :, tf.newaxis] + token_scores  # [B, K, per parent]
    scores, places = tf.math.top_k(_flat(totals), 2 * beam_width)
    return Candidates(
        scores=scores,
        parents=places // per_parent,
        tokens=tf.gather(_flat(ids), places, batch_dims=1),
        token_scores=tf.gather(_flat(token_scores), places, batch_dims=1),
    )


def _largest(values: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The largest of the last dimension and their places, as `tf.math.top_k` gives them.

    In two steps: each of them is in one of as many blocks with the largest maxima, and to find a
    block's maximum is cheaper than to keep the largest of all. Blocks stay in their order, so that
    of equal values the first comes first.

    Args:
        values: float32 [B, K, V].
        count: How many, int32 scalar, 1 to V.
    """
    vocabulary_size = values.shape[-1]
    size = _block_size(vocabulary_size)
    if size is None:
        largest = tf.math.top_k(values, count)
        return largest.values, largest.indices
    shape = tf.shape(values)
    blocks = tf.reshape(values, tf.stack([shape[0] * shape[1], vocabulary_size // size, size]))
    maxima = tf.reduce_max(blocks, axis=-1)
    block_count = tf.minimum(count, vocabulary_size // size)
    chosen = tf.sort(tf.math.top_k(maxima, block_count).indices, axis=-1)  # [B K, blocks]
    within = tf.gather(blocks, chosen, batch_dims=1)
    flat = tf.reshape(within, tf.stack([-1, block_count * size]))
    largest, places = tf.math.top_k(flat, count)
    ids = tf.gather(chosen, places // size, batch_dims=1) * size + places % size
    shape = tf.stack([shape[0], shape[1], count])
    return tf.reshape(largest, shape), tf.reshape(ids, shape)


def _block_size(vocabulary_size: int | None) -> int | None:
    """A divisor of V near its root, or none if there is no good one."""
    if vocabulary_size is None:
        return None
    root = int(vocabulary_size**0.5)
    divisors = [size for size in range(root // 2, 2 * root) if size and vocabulary_size % size == 0]
    if vocabulary_size < _FEWEST_FOR_BLOCKS or not divisors:
        return None
    return min(divisors, key=lambda size: abs(size - root))


def _flat(tensor: tf.Tensor) -> tf.Tensor:
    shape = tf.shape(tensor)
    return tf.reshape(tensor, [shape[0], shape[1] * shape[2]])
