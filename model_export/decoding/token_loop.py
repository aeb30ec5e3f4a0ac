"""The loop of the searches that follow one hypothesis per row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from heed.contract import SPECIAL_IDS
from model_export.decoding.bounded import step_bound
from model_export.decoding.hypotheses import Hypotheses
from model_export.decoding.nests import shape_invariants
from model_export.decoding.options import DecodingOptions
from model_export.decoding.picking import Picked
from model_export.decoding.step_model import StepModel, average_attention
from model_export.decoding.stepping import room_of, run_steps

PickTokens = Callable[[tf.Tensor, tf.Tensor], Picked]
"""Logits float32 [B, V], and the step, int32 scalar, to the next token of every row."""


class _Loop(NamedTuple):
    """What the loop carries: scalars, [B] per row, and arrays with one entry per step.

    What is written for a row after its end means nothing, and is removed after the loop.
    """

    step: tf.Tensor
    is_going: tf.Tensor
    last_tokens: tf.Tensor
    ended: tf.Tensor
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
    pick: PickTokens,
) -> Hypotheses:
    """Decodes a batch token by token, until every row has ended.

    Args:
        model: Scores the next token.
        tokens: Source ids, int32 [B, S]. B may be 0; S is 1 or more.
        lengths: Real tokens of each source, int32 [B], 1 to S.
        options: Limits and forced tokens of each row.
        attention_layers: Layers that `Hypotheses.attention` averages, indices into L.
        pick: Picks the next token of every row.

    Returns:
        Hypotheses with K = 1.
    """
    first_state, memory = model.encode(tokens, lengths)

    def body(loop: _Loop) -> _Loop:
        output = model.decode_step(loop.last_tokens, loop.state, memory)
        picked = pick(output.logits, loop.step)
        attention = average_attention(output.attention_heads, attention_layers)
        advanced = _advance(loop, picked, attention, options)
        return advanced._replace(state=output.state)

    bound = step_bound(model)
    start = _start(tf.shape(tokens)[0], first_state, bound)
    loop = run_steps(
        start,
        is_going=lambda loop: loop.is_going,
        body=body,
        invariants=_invariants(start),
        room=room_of(
            model,
            memory,
            state_of=lambda loop: loop.state,
            with_state=lambda loop, state: loop._replace(state=state),
        ),
    )
    return _hypotheses(loop, options, bound)


def step_array(dtype: tf.DType, *, rank: int, bound: int | None = None) -> tf.TensorArray:
    """An array with one tensor of this rank per step; of so many steps, or as many as there are."""
    return tf.TensorArray(
        dtype, size=bound or 0, dynamic_size=bound is None, element_shape=[None] * rank
    )


def _start(rows: tf.Tensor, state: Any, bound: int | None) -> _Loop:
    return _Loop(
        step=tf.constant(0),
        is_going=tf.constant(True),
        last_tokens=tf.fill([rows], SPECIAL_IDS.begin),
        ended=tf.zeros([rows], tf.bool),
        state=state,
        tokens=step_array(tf.int32, rank=1, bound=bound),
        token_scores=step_array(tf.float32, rank=1, bound=bound),
        attention=step_array(tf.float32, rank=2, bound=bound),
    )


def _invariants(start: _Loop) -> _Loop:
    scalar, per_row, array = tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape(None)
    return _Loop(
        step=scalar,
        is_going=scalar,
        last_tokens=per_row,
        ended=per_row,
        state=shape_invariants(start.state),
        tokens=array,
        token_scores=array,
        attention=array,
    )


def _advance(loop: _Loop, picked: Picked, attention: tf.Tensor, options: DecodingOptions) -> _Loop:
    """Writes a step down."""
    generated = loop.step + 1
    ends = (picked.tokens == SPECIAL_IDS.end) | (generated >= options.max_lengths)
    ended = loop.ended | ends
    return loop._replace(
        step=generated,
        is_going=~tf.reduce_all(ended),
        last_tokens=picked.tokens,
        ended=ended,
        tokens=loop.tokens.write(loop.step, picked.tokens),
        token_scores=loop.token_scores.write(loop.step, picked.token_scores),
        attention=loop.attention.write(loop.step, attention),
    )


def _hypotheses(loop: _Loop, options: DecodingOptions, bound: int | None) -> Hypotheses:
    """Rows first, K = 1. The loop runs at least one step; a batch of 0 rows has T = 0."""
    tokens = tf.transpose(loop.tokens.stack())  # [T, B] to [B, T]
    steps = tf.range(1, tf.shape(tokens)[1] + 1)
    is_last = (tokens == SPECIAL_IDS.end) | (steps >= options.max_lengths[:, tf.newaxis])
    lengths = tf.argmax(is_last, axis=1, output_type=tf.int32) + 1
    longest = bound or tf.reduce_max(tf.concat([lengths, [0]], axis=0))
    tokens = tokens[:, :longest]
    token_scores = tf.transpose(loop.token_scores.stack()[:longest])
    attention = tf.transpose(loop.attention.stack()[:longest], [1, 0, 2])  # [B, T, S]
    is_token = tf.sequence_mask(lengths, longest)
    token_scores = tf.where(is_token, token_scores, 0.0)
    return Hypotheses(
        tokens=tf.where(is_token, tokens, 0)[:, tf.newaxis],
        lengths=lengths[:, tf.newaxis],
        scores=tf.reduce_sum(token_scores, axis=-1)[:, tf.newaxis],
        token_scores=token_scores[:, tf.newaxis],
        attention=tf.where(is_token[:, :, tf.newaxis], attention, 0.0)[:, tf.newaxis],
    )
