"""Sampling: each token drawn from the model's distribution."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from model_export.decoding.bounded import step_bound
from model_export.decoding.hypotheses import Hypotheses
from model_export.decoding.options import DecodingOptions, SampleOptions
from model_export.decoding.picking import Picked, picked
from model_export.decoding.step_model import StepModel
from model_export.decoding.token_loop import decode_tokens
from model_export.random_numbers import uniform_numbers


def sample_search(
    model: StepModel,
    tokens: tf.Tensor,
    *,
    lengths: tf.Tensor,
    options: tuple[DecodingOptions, SampleOptions],
    attention_layers: Sequence[int],
) -> Hypotheses:
    """Draws an output for each row, in the graph or eagerly, until every row has ended.

        y_i ~ softmax(logits / temperature)      over the tokens that the options allow,
                                                 then the top_k of them (Fan et al. 2018),
                                                 then the nucleus top_p of these
                                                 (Holtzman et al. 2020)

    Args:
        model: Scores the next token.
        tokens: Source ids, int32 [B, S]. B may be 0; S is 1 or more.
        lengths: Real tokens of each source, int32 [B], 1 to S.
        options: Limits and forced tokens of each row, and how its tokens are drawn.
        attention_layers: Layers that `Hypotheses.attention` averages, indices into L.

    Returns:
        Hypotheses with K = 1. A row depends on its source, its options and its seed alone.
    """
    limits, sampling = options
    bound = step_bound(model)
    most_steps = bound or tf.reduce_max(tf.concat([limits.max_lengths, [1]], axis=0))
    uniform = uniform_numbers(sampling.seed, most_steps)  # [B, steps]

    def pick(logits: tf.Tensor, step: tf.Tensor) -> Picked:
        def drawn(choosable: tf.Tensor) -> tf.Tensor:
            scaled = choosable / sampling.temperature[:, tf.newaxis]
            if bound is None:
                kept = _truncated(scaled, sampling)
            else:
                kept = _limited(scaled, sampling, tf.shape(scaled)[-1])
            return _drawn(tf.nn.softmax(kept), uniform[:, step])

        return picked(logits, step, limits, choose=drawn)

    return decode_tokens(
        model,
        tokens,
        lengths=lengths,
        options=limits,
        attention_layers=attention_layers,
        pick=pick,
    )


def _drawn(probabilities: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
    """The first token whose cumulative probability exceeds the number: [B, V], [B] to [B].

    Always in the order of the ids, so that a row draws the same whatever its neighbours ask for.
    """
    cumulative = tf.cumsum(probabilities, axis=-1)
    # The sum is 1 but for rounding; scaled, the number can't lie beyond the last token.
    thresholds = uniform[:, tf.newaxis] * cumulative[:, -1:]
    is_beyond = (cumulative > thresholds) & (probabilities > 0)
    return tf.argmax(is_beyond, axis=-1, output_type=tf.int32)


def _truncated(logits: tf.Tensor, options: SampleOptions) -> tf.Tensor:
    """Rules out what `top_k` and `top_p` leave out, [B, V]; sorts only if a row needs it."""
    vocabulary_size = tf.shape(logits)[-1]
    # How many of the most probable tokens must be looked at; 1 where all are kept.
    by_nucleus = tf.where(options.top_p < 1, vocabulary_size, 1)
    widths = tf.where(options.top_k > 0, options.top_k, by_nucleus)
    return tf.cond(
        tf.reduce_any(_is_limited(options)),
        lambda: _limited(logits, options, tf.reduce_max(widths)),
        lambda: logits,
    )


def _is_limited(options: SampleOptions) -> tf.Tensor:
    return (options.top_k > 0) | (options.top_p < 1)


def _limited(logits: tf.Tensor, options: SampleOptions, width: tf.Tensor) -> tf.Tensor:
    """Rules out what the limits of each row leave out, [B, V]; `width` as in `_kept`."""
    kept = _kept(logits, options, width)
    return tf.where(kept | ~_is_limited(options)[:, tf.newaxis], logits, logits.dtype.min)


def _kept(logits: tf.Tensor, options: SampleOptions, width: tf.Tensor) -> tf.Tensor:
    """Which tokens `top_k`, then `top_p`, keep, bool [B, V].

    Args:
        logits: float32 [B, V].
        options: Of each row.
        width: How many of the most probable tokens to look at, int32 scalar.
    """
    sorted_logits, ids = tf.math.top_k(logits, width)  # [B, width]
    in_top_k = tf.range(width) < tf.where(options.top_k > 0, options.top_k, width)[:, tf.newaxis]
    sorted_logits = tf.where(in_top_k, sorted_logits, sorted_logits.dtype.min)
    before = tf.cumsum(tf.nn.softmax(sorted_logits), axis=-1, exclusive=True)
    in_nucleus = (before < options.top_p[:, tf.newaxis]) | (options.top_p >= 1)[:, tf.newaxis]
    rows = tf.broadcast_to(tf.range(tf.shape(ids)[0])[:, tf.newaxis], tf.shape(ids))
    is_kept = tf.cast(in_top_k & in_nucleus, tf.int32)
    return tf.scatter_nd(tf.stack([rows, ids], axis=-1), is_kept, tf.shape(logits)) > 0
