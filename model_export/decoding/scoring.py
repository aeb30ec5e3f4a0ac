"""Forced scoring: how probable a given target is, and what the model attended to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow as tf

from heed.contract import SPECIAL_IDS
from model_export.decoding.step_model import average_attention
from model_export.models import Seq2SeqOutput


class TargetScores(NamedTuple):
    """Scores of given targets. Behind a target's length everything is 0.

    Attributes:
        token_scores: Log-probability of each token, float32 [B, T].
        scores: Their sum, float32 [B].
        attention: Average attention at each token, float32 [B, T, S].
        attention_heads: Attention per layer and head, float32 [B, L, N, T, S].
    """

    token_scores: tf.Tensor
    scores: tf.Tensor
    attention: tf.Tensor
    attention_heads: tf.Tensor


def score_targets(
    model: Callable[[dict[str, tf.Tensor]], Seq2SeqOutput],
    tokens: tf.Tensor,
    *,
    lengths: tf.Tensor,
    target_tokens: tf.Tensor,
    target_lengths: tf.Tensor,
    attention_layers: Sequence[int],
) -> TargetScores:
    """Scores each token of given targets in one pass.

        token_scores_i = log p(y_i | y_1 .. y_{i-1}, x)

    Args:
        model: Called with "tokens", "lengths" and "target_inputs".
        tokens: Source ids, int32 [B, S], S 1 or more.
        lengths: Real tokens of each source, int32 [B], 1 to S.
        target_tokens: Target ids, the end token where it is to be scored, int32 [B, T], T 1 or
            more.
        target_lengths: Real tokens of each target, int32 [B], 1 to T.
        attention_layers: Layers that `TargetScores.attention` averages, indices into L.
    """
    begin = tf.fill([tf.shape(target_tokens)[0], 1], SPECIAL_IDS.begin)
    target_inputs = tf.concat([begin, target_tokens[:, :-1]], axis=1)
    output = model({"tokens": tokens, "lengths": lengths, "target_inputs": target_inputs})
    mask = tf.sequence_mask(target_lengths, tf.shape(target_tokens)[1])  # [B, T]
    log_probabilities = tf.nn.log_softmax(output.logits)
    token_scores = tf.gather(log_probabilities, target_tokens, batch_dims=2)
    token_scores = tf.where(mask, token_scores, 0.0)
    heads = tf.where(mask[:, tf.newaxis, tf.newaxis, :, tf.newaxis], output.attention_heads, 0.0)
    return TargetScores(
        token_scores=token_scores,
        scores=tf.reduce_sum(token_scores, axis=-1),
        attention=average_attention(heads, attention_layers),
        attention_heads=heads,
    )
