"""Which token each row may or must take at a step; the same for every search."""

from __future__ import annotations

import tensorflow as tf

from heed.contract import SPECIAL_IDS
from model_export.decoding.options import DecodingOptions


def allowed_tokens(
    vocabulary_size: tf.Tensor, step: tf.Tensor, min_lengths: tf.Tensor
) -> tf.Tensor:
    """Which tokens may be chosen: never `pad` and `begin`, and `end` not before `min_lengths`.

    Args:
        vocabulary_size: V, int32 scalar.
        step: Tokens generated so far, int32 scalar.
        min_lengths: int32 [B].

    Returns:
        bool [B, V].
    """
    ids = tf.range(vocabulary_size)
    never = (ids == SPECIAL_IDS.pad) | (ids == SPECIAL_IDS.begin)
    too_early = (ids == SPECIAL_IDS.end)[tf.newaxis] & (step < min_lengths)[:, tf.newaxis]
    return ~(never[tf.newaxis] | too_early)


def allowed_scores(scores: tf.Tensor, step: tf.Tensor, min_lengths: tf.Tensor) -> tf.Tensor:
    """Lowers the scores of tokens that must not be chosen to the lowest number there is.

    Args:
        scores: Scores or log-probabilities of the next token, float [B, V].
        step: Tokens generated so far, int32 scalar.
        min_lengths: int32 [B].

    Returns:
        float [B, V].
    """
    allowed = allowed_tokens(tf.shape(scores)[-1], step, min_lengths)
    return tf.where(allowed, scores, tf.constant(scores.dtype.min, scores.dtype))


def with_prefix(chosen: tf.Tensor, step: tf.Tensor, options: DecodingOptions) -> tf.Tensor:
    """Replaces chosen tokens, int32 [B], by the prefix' token in rows whose prefix goes on."""
    forced, is_forced = prefix_at(step, options)
    return tf.where(is_forced, forced, chosen)


def prefix_at(step: tf.Tensor, options: DecodingOptions) -> tuple[tf.Tensor, tf.Tensor]:
    """The prefix' token at a step, int32 [B], and whether the prefix reaches so far, bool [B]."""
    width = tf.shape(options.prefix_tokens)[1]
    # One more column, so that there is something to read when the prefix is over, or P is 0.
    columns = tf.pad(options.prefix_tokens, [[0, 0], [0, 1]])
    forced = tf.gather(columns, tf.minimum(step, width), axis=1)
    return forced, step < options.prefix_lengths
