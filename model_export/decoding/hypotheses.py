"""What every search returns."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class Hypotheses(NamedTuple):
    """Decoded outputs, best first. Behind a hypothesis' length everything is 0.

    Attributes:
        tokens: Target ids, the end token included if the model ended, int32 [B, K, T]; T is the
            longest hypothesis of the batch.
        lengths: Tokens of each hypothesis, the end token counted, int32 [B, K].
        scores: Sum of `token_scores`, float32 [B, K].
        token_scores: Log-probability of each token as the model gives it, whatever the options
            ruled out, float32 [B, K, T].
        attention: Average attention while each token was chosen, float32 [B, K, T, S].
    """

    tokens: tf.Tensor
    lengths: tf.Tensor
    scores: tf.Tensor
    token_scores: tf.Tensor
    attention: tf.Tensor


class RankedHypotheses(NamedTuple):
    """What beam search returns: no two alike, highest rank first.

    A row that allows fewer than K outputs fills up with hypotheses of length 0, whose score and
    rank are the lowest number there is.

    Attributes:
        tokens: As in `Hypotheses`, and so the next four.
        lengths: As above.
        scores: As above: before any penalty.
        token_scores: As above.
        attention: As above.
        ranks: The penalised score that orders them, float32 [B, K].
    """

    tokens: tf.Tensor
    lengths: tf.Tensor
    scores: tf.Tensor
    token_scores: tf.Tensor
    attention: tf.Tensor
    ranks: tf.Tensor
