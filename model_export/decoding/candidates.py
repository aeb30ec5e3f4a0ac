"""The best continuations of a beam."""

from __future__ import annotations

import math
from typing import NamedTuple

import tensorflow as tf

from heed.contract import SPECIAL_IDS
from model_export.decoding.constraints import allowed_tokens, prefix_at
from model_export.decoding.options import DecodingOptions
from model_export.decoding.repeated_ngrams import NgramHistory, repeating_tokens


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


def choosable_tokens(
    step: tf.Tensor,
    options: DecodingOptions,
    *,
    history: NgramHistory,
    no_repeat_ngram: tf.Tensor,
    vocabulary_size: tf.Tensor,
) -> tf.Tensor:
    """Which tokens may continue each hypothesis, bool [B, 1 or K, V].

    A prefix goes before everything else. Where repetition is ruled out and nothing is left, the
    output may end although it is too short.
    """
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
        choosable: Which tokens may be chosen, bool [B, 1 or K, V].
    """
    beam_width, vocabulary_size = tf.shape(logits)[1], tf.shape(logits)[2]
    # Of the 2 K best, at least K go on: only the end token closes a hypothesis, one for each.
    # Of one parent, no more than K + 1 can be among them.
    per_parent = tf.minimum(beam_width + 1, vocabulary_size)
    values, ids = tf.math.top_k(tf.where(choosable, logits, -math.inf), per_parent)
    token_scores = values - tf.reduce_logsumexp(logits, axis=-1, keepdims=True)
    totals = open_scores[:, :, tf.newaxis] + token_scores  # [B, K, per parent]
    scores, places = tf.math.top_k(_flat(totals), 2 * beam_width)
    return Candidates(
        scores=scores,
        parents=places // per_parent,
        tokens=tf.gather(_flat(ids), places, batch_dims=1),
        token_scores=tf.gather(_flat(token_scores), places, batch_dims=1),
    )


def _flat(tensor: tf.Tensor) -> tf.Tensor:
    shape = tf.shape(tensor)
    return tf.reshape(tensor, [shape[0], shape[1] * shape[2]])
