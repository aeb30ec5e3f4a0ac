"""The loop of the searches that follow one hypothesis per row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from heed.contract import SPECIAL_IDS
from model_export.decoding.constraints import allowed_scores, with_prefix
from model_export.decoding.hypotheses import Hypotheses
from model_export.decoding.nests import shape_invariants
from model_export.decoding.options import DecodingOptions
from model_export.decoding.step_model import StepModel, average_attention

ChooseTokens = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""Logits float32 [B, V], the lowest number at tokens ruled out, and the step, to int32 [B]."""


class _Loop(NamedTuple):
    """What the loop carries: scalars, [B] per row, and arrays with one entry per step."""

    step: tf.Tensor
    last_tokens: tf.Tensor
    lengths: tf.Tensor
    finished: tf.Tensor
    state: Any
    tokens: tf.TensorArray
    token_scores: tf.TensorArray
    attention: tf.TensorArray


def decode_tokens(
    model: StepModel,
    tokens: tf.Tensor,
    *,
    lengths: tf.Tensor,
    options: DecodingOptions,
    attention_layers: Sequence[int],
    choose: ChooseTokens,
) -> Hypotheses:
    """Decodes a batch token by token, until every row has ended.

    Args:
        model: Scores the next token.
        tokens: Source ids, int32 [B, S]. B may be 0; S is 1 or more.
        lengths: Real tokens of each source, int32 [B], 1 to S.
        options: Limits and forced tokens of each row.
        attention_layers: Layers that `Hypotheses.attention` averages, indices into L.
        choose: Picks the next token of every row.

    Returns:
        Hypotheses with K = 1.
    """
    first_state, memory = model.encode(tokens, lengths)

    def body(loop: _Loop) -> tuple[_Loop]:
        output = model.decode_step(loop.last_tokens, loop.state, memory)
        choosable = allowed_scores(output.logits, loop.step, options.min_lengths)
        chosen = with_prefix(choose(choosable, loop.step), loop.step, options)
        chosen = tf.where(loop.finished, SPECIAL_IDS.pad, chosen)
        log_probabilities = tf.nn.log_softmax(output.logits)
        token_scores = tf.gather(log_probabilities, chosen, batch_dims=1)
        attention = average_attention(output.attention_heads, attention_layers)
        advanced = _advance(loop, chosen, token_scores, attention, options)
        return (advanced._replace(state=output.state),)

    start = _start(tf.shape(tokens)[0], first_state)
    (loop,) = tf.while_loop(
        lambda loop: (loop.step == 0) | ~tf.reduce_all(loop.finished),
        body,
        (start,),
        shape_invariants=(_invariants(start),),
    )
    return _hypotheses(loop)


def step_array(dtype: tf.DType, *, rank: int) -> tf.TensorArray:
    """An array with one tensor of this rank per step."""
    return tf.TensorArray(dtype, size=0, dynamic_size=True, element_shape=[None] * rank)


def _start(rows: tf.Tensor, state: Any) -> _Loop:
    return _Loop(
        step=tf.constant(0),
        last_tokens=tf.fill([rows], SPECIAL_IDS.begin),
        lengths=tf.zeros([rows], tf.int32),
        finished=tf.zeros([rows], tf.bool),
        state=state,
        tokens=step_array(tf.int32, rank=1),
        token_scores=step_array(tf.float32, rank=1),
        attention=step_array(tf.float32, rank=2),
    )


def _invariants(start: _Loop) -> _Loop:
    per_row, array = tf.TensorShape([None]), tf.TensorShape(None)
    return _Loop(
        step=tf.TensorShape([]),
        last_tokens=per_row,
        lengths=per_row,
        finished=per_row,
        state=shape_invariants(start.state),
        tokens=array,
        token_scores=array,
        attention=array,
    )


def _advance(
    loop: _Loop,
    chosen: tf.Tensor,
    token_scores: tf.Tensor,
    attention: tf.Tensor,
    options: DecodingOptions,
) -> _Loop:
    """Writes a step down; rows that had finished before it get zeros."""
    generated = loop.step + 1
    ends = (chosen == SPECIAL_IDS.end) | (generated >= options.max_lengths)
    token_scores = tf.where(loop.finished, 0.0, token_scores)
    attention = tf.where(loop.finished[:, tf.newaxis], 0.0, attention)
    return loop._replace(
        step=generated,
        last_tokens=chosen,
        lengths=tf.where(loop.finished, loop.lengths, generated),
        finished=loop.finished | ends,
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
