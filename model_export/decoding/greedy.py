"""Greedy search: the most probable token at every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from heed.contract import SPECIAL_IDS
from model_export.decoding.constraints import allowed_scores, with_prefix
from model_export.decoding.hypotheses import Hypotheses
from model_export.decoding.options import DecodingOptions
from model_export.decoding.step_model import StepModel, average_attention


class _Loop(NamedTuple):
    """What the loop carries: scalars, [B] per row, and arrays with one entry per step."""

    step: tf.Tensor
    last_tokens: tf.Tensor
    lengths: tf.Tensor
    finished: tf.Tensor
    state: tuple[tf.Tensor, ...]
    tokens: tf.TensorArray
    token_scores: tf.TensorArray
    attention: tf.TensorArray


def greedy_search(
    model: StepModel,
    tokens: tf.Tensor,
    *,
    lengths: tf.Tensor,
    options: DecodingOptions,
    attention_layers: Sequence[int],
) -> Hypotheses:
    """Decodes a batch, in the graph or eagerly, until every row has ended.

        y_i = argmax_v log p(v | y_1 .. y_{i-1}, x)      over the tokens that the options allow

    Args:
        model: Scores the next token.
        tokens: Source ids, int32 [B, S]. B may be 0; S is 1 or more.
        lengths: Real tokens of each source, int32 [B], 1 to S.
        options: Limits and forced tokens of each row.
        attention_layers: Layers that `Hypotheses.attention` averages, indices into L.

    Returns:
        Hypotheses with K = 1. A row does not depend on the others.
    """
    first_state, memory = model.encode(tokens, lengths)

    def body(loop: _Loop) -> tuple[_Loop]:
        output = model.decode_step(loop.last_tokens, loop.state, memory)
        best = tf.argmax(
            allowed_scores(output.logits, loop.step, options.min_lengths),
            axis=-1,
            output_type=tf.int32,
        )
        chosen = with_prefix(best, loop.step, options)
        chosen = tf.where(loop.finished, SPECIAL_IDS.pad, chosen)
        log_probabilities = tf.nn.log_softmax(output.logits)
        token_scores = tf.gather(log_probabilities, chosen, batch_dims=1)
        attention = average_attention(output.attention_heads, attention_layers)
        return (_advance(loop, chosen, token_scores, attention, output.state, options),)

    (loop,) = tf.while_loop(
        lambda loop: (loop.step == 0) | ~tf.reduce_all(loop.finished),
        body,
        (_start(tf.shape(tokens)[0], first_state),),
    )
    return _hypotheses(loop)


def _start(rows: tf.Tensor, state: tuple[tf.Tensor, ...]) -> _Loop:
    return _Loop(
        step=tf.constant(0),
        last_tokens=tf.fill([rows], SPECIAL_IDS.begin),
        lengths=tf.zeros([rows], tf.int32),
        finished=tf.zeros([rows], tf.bool),
        state=state,
        tokens=_array(tf.int32, [None]),
        token_scores=_array(tf.float32, [None]),
        attention=_array(tf.float32, [None, None]),
    )


def _array(dtype: tf.DType, element_shape: list[None]) -> tf.TensorArray:
    return tf.TensorArray(dtype, size=0, dynamic_size=True, element_shape=element_shape)


def _advance(
    loop: _Loop,
    chosen: tf.Tensor,
    token_scores: tf.Tensor,
    attention: tf.Tensor,
    state: tuple[tf.Tensor, ...],
    options: DecodingOptions,
) -> _Loop:
    """Writes a step down; rows that had finished before it get zeros."""
    generated = loop.step + 1
    ends = (chosen == SPECIAL_IDS.end) | (generated >= options.max_lengths)
    token_scores = tf.where(loop.finished, 0.0, token_scores)
    attention = tf.where(loop.finished[:, tf.newaxis], 0.0, attention)
    return _Loop(
        step=generated,
        last_tokens=chosen,
        lengths=tf.where(loop.finished, loop.lengths, generated),
        finished=loop.finished | ends,
        state=state,
        tokens=loop.tokens.write(loop.step, chosen),
        token_scores=loop.token_scores.write(loop.step, token_scores),
        attention=loop.attention.write(loop.step, attention),
    )


def _hypotheses(loop: _Loop) -> Hypotheses:
    """Rows first, K = 1. The loop runs at least one step; a batch of 0 rows has T = 0."""
    longest = tf.reduce_max(tf.concat([loop.lengths, [0]], axis=0))
    tokens = tf.transpose(loop.tokens.stack()[:longest])  # [T, B] to [B, T]
    token_scores = tf.transpose(loop.token_scores.stack()[:longest])
    attention = tf.transpose(loop.attention.stack()[:longest], [1, 0, 2])  # [B, T, S]
    return Hypotheses(
        tokens=tokens[:, tf.newaxis],
        lengths=loop.lengths[:, tf.newaxis],
        scores=tf.reduce_sum(token_scores, axis=-1)[:, tf.newaxis],
        token_scores=token_scores[:, tf.newaxis],
        attention=attention[:, tf.newaxis],
    )
