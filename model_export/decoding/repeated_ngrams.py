"""Which tokens would repeat an n-gram of a hypothesis, kept up to date token by token."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from heed.contract import SPECIAL_IDS


class NgramHistory(NamedTuple):
    """The tokens h of every hypothesis, and how much of its end each earlier place repeats.

        m_t[j] = the longest n for which the n tokens before j are the last n tokens, j < t
        m_{t+1}[j + 1] = m_t[j] + 1 if h[j] is the new token, else 0

    Attributes:
        tokens: int32 [B, K, W]; W is 0 in a batch where every row may repeat itself.
        matches: int32 [B, K, W].
    """

    tokens: tf.Tensor
    matches: tf.Tensor


def new_history(shape: tf.Tensor, most: tf.Tensor | int) -> NgramHistory:
    """The history of empty hypotheses, [B, K], of at most `most` tokens; 0: none is kept."""
    zeros = tf.zeros(tf.concat([shape, [most]], axis=0), tf.int32)
    return NgramHistory(zeros, zeros)


def repeating_tokens(
    history: NgramHistory, step: tf.Tensor, no_repeat_ngram: tf.Tensor, vocabulary_size: tf.Tensor
) -> tf.Tensor:
    """Tokens that would complete an n-gram that the hypothesis already holds.

    Args:
        history: Of the hypotheses.
        step: Tokens each of them has, int32 scalar.
        no_repeat_ngram: n, int32 [B]; 0 = all may be repeated.
        vocabulary_size: V, int32 scalar.

    Returns:
        bool [B, K, V]. Must not be called with a history of width 0.
    """
    n = no_repeat_ngram[:, tf.newaxis, tf.newaxis]
    is_past = tf.range(tf.shape(history.tokens)[-1]) < step
    repeats = is_past & (n > 0) & (history.matches >= n - 1)
    # `pad` is never chosen anyway: it takes the places that rule nothing out.
    tokens = tf.where(repeats, history.tokens, SPECIAL_IDS.pad)
    shape = tf.shape(tokens)
    flat = tf.reshape(tokens, [shape[0] * shape[1], shape[2]])
    rows = tf.broadcast_to(tf.range(tf.shape(flat)[0])[:, tf.newaxis], tf.shape(flat))
    counts = tf.scatter_nd(
        tf.stack([rows, flat], axis=-1),
        tf.ones_like(flat),
        tf.stack([tf.shape(flat)[0], vocabulary_size]),
    )
    return tf.reshape(counts > 0, tf.stack([shape[0], shape[1], vocabulary_size]))


def with_tokens(
    history: NgramHistory, parents: tf.Tensor, tokens: tf.Tensor, step: tf.Tensor
) -> NgramHistory:
    """The histories of the hypotheses that continue `parents`, int32 [B, K], with `tokens`.

    Args:
        history: Before the step.
        parents: Which hypothesis each continues, int32 [B, K].
        tokens: The token each adds, int32 [B, K].
        step: Tokens each parent has, int32 scalar.
    """
    past = tf.gather(history.tokens, parents, batch_dims=1)
    matches = tf.gather(history.matches, parents, batch_dims=1)
    places = tf.range(tf.shape(past)[-1])
    new = tokens[:, :, tf.newaxis]
    longer = tf.where((past == new) & (places < step), matches + 1, 0)
    moved = tf.pad(longer, [[0, 0], [0, 0], [1, 0]])[:, :, : tf.shape(past)[-1]]
    return NgramHistory(tf.where(places == step, new, past), moved)
