"""The best finished hypotheses of each row."""

from __future__ import annotations

import math
from typing import NamedTuple

import tensorflow as tf


class Finished(NamedTuple):
    """The best finished hypotheses of each row, best first; [B, K] each, K the widest row's.

    A hypothesis is known by its last token and by whom that token continues.

    Attributes:
        ranks: Penalised score, float32; -inf = none.
        lengths: Tokens, the last one counted, int32; 0 = none.
        parents: Which of the hypotheses that were open before its last token it continues, int32.
        tokens: The last token, int32.
        token_scores: The last token's log-probability, float32.
    """

    ranks: tf.Tensor
    lengths: tf.Tensor
    parents: tf.Tensor
    tokens: tf.Tensor
    token_scores: tf.Tensor


def none_finished(shape: tf.Tensor) -> Finished:
    """No hypothesis, for a shape of [B, K]."""
    zeros = tf.zeros(shape, tf.int32)
    return Finished(
        ranks=tf.fill(shape, -math.inf),
        lengths=zeros,
        parents=zeros,
        tokens=zeros,
        token_scores=tf.zeros(shape),
    )


def best_of(kept: Finished, new: Finished, *, is_place: tf.Tensor) -> Finished:
    """The best of both, as many as a row has places; ties go to those kept, then to the earlier.

    Args:
        kept: The best so far.
        new: What has just finished.
        is_place: The places that each row may fill, bool [B, K].
    """
    both = Finished(*(tf.concat(pair, axis=1) for pair in zip(kept, new, strict=True)))
    _, places = tf.math.top_k(both.ranks, tf.shape(kept.ranks)[1])
    best = Finished(*(tf.gather(field, places, batch_dims=1) for field in both))
    exists = is_place & (best.ranks > -math.inf)
    return best._replace(
        ranks=tf.where(exists, best.ranks, -math.inf),
        lengths=tf.where(exists, best.lengths, 0),
    )
