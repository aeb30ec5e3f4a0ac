"""What beam search notes at each step, and the way back from a last token to the first."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from model_export.decoding.finished import Finished
from model_export.decoding.hypotheses import RankedHypotheses
from model_export.decoding.token_loop import step_array


class Trace(NamedTuple):
    """One entry per step. Nothing in it is ever moved: `parents` say what continues what.

    Attributes:
        tokens: The token that each open hypothesis added, int32 [B, K].
        parents: Which of the hypotheses open before the step it continues, int32 [B, K].
        token_scores: The token's log-probability, float32 [B, K].
        attention: Where each hypothesis open before the step looked, float32 [B, K, S].
    """

    tokens: tf.TensorArray
    parents: tf.TensorArray
    token_scores: tf.TensorArray
    attention: tf.TensorArray


class _Way(NamedTuple):
    """The way back: the step, whom each hypothesis continues there, and what was found."""

    step: tf.Tensor
    parents: tf.Tensor
    tokens: tf.TensorArray
    token_scores: tf.TensorArray
    taken: tf.TensorArray


def new_trace(bound: int | None = None) -> Trace:
    """A trace of no step; with room for so many, or as many as there will be."""
    return Trace(
        tokens=step_array(tf.int32, rank=2, bound=bound),
        parents=step_array(tf.int32, rank=2, bound=bound),
        token_scores=step_array(tf.float32, rank=2, bound=bound),
        attention=step_array(tf.float32, rank=3, bound=bound),
    )


def trace_back(trace: Trace, finished: Finished, bound: int | None = None) -> RankedHypotheses:
    """The finished hypotheses in full; T is the bound, or the longest of them."""
    lengths = tf.concat([tf.reshape(finished.lengths, [-1]), [0]], axis=0)
    longest = bound or tf.reduce_max(lengths)
    # At least one step, also for a batch of 0 rows: an empty array does not know its shape.
    way = _walk_back(trace, finished, bound or tf.maximum(longest, 1))
    tokens, token_scores, parents = (
        array.stack()[:longest] for array in (way.tokens, way.token_scores, way.taken)
    )  # [T, B, K]
    attention = tf.gather(trace.attention.stack()[:longest], parents, batch_dims=2)
    attention = tf.transpose(attention, [1, 2, 0, 3])  # [T, B, K, S] to [B, K, T, S]
    is_token = tf.sequence_mask(finished.lengths, longest)  # [B, K, T]
    token_scores = tf.transpose(token_scores, [1, 2, 0])
    exists = finished.lengths > 0
    lowest = token_scores.dtype.min
    return RankedHypotheses(
        tokens=tf.transpose(tokens, [1, 2, 0]),
        lengths=finished.lengths,
        scores=tf.where(exists, tf.reduce_sum(token_scores, axis=-1), lowest),
        token_scores=token_scores,
        attention=tf.where(is_token[..., tf.newaxis], attention, 0.0),
        ranks=tf.where(exists, finished.ranks, lowest),
    )


def _walk_back(trace: Trace, finished: Finished, steps: tf.Tensor | int) -> _Way:
    tokens, parents = trace.tokens.stack(), trace.parents.stack()  # [T, B, K]
    token_scores = trace.token_scores.stack()

    def body(way: _Way) -> tuple[_Way]:
        step = way.step - 1
        is_last, is_before = step == finished.lengths - 1, step < finished.lengths - 1

        def found(last: tf.Tensor, noted: tf.Tensor) -> tf.Tensor:
            earlier = tf.gather(noted[step], way.parents, batch_dims=1)
            return tf.where(is_last, last, tf.where(is_before, earlier, tf.zeros_like(last)))

        before = found(finished.parents, parents)
        return (
            _Way(
                step=step,
                parents=before,
                tokens=way.tokens.write(step, found(finished.tokens, tokens)),
                token_scores=way.token_scores.write(
                    step, found(finished.token_scores, token_scores)
                ),
                taken=way.taken.write(step, before),
            ),
        )

    start = _Way(
        step=tf.convert_to_tensor(steps),
        parents=tf.zeros_like(finished.parents),
        tokens=_sized_array(tf.int32, steps),
        token_scores=_sized_array(tf.float32, steps),
        taken=_sized_array(tf.int32, steps),
    )
    (way,) = tf.while_loop(lambda way: way.step > 0, body, (start,))
    return way


def _sized_array(dtype: tf.DType, size: tf.Tensor | int) -> tf.TensorArray:
    return tf.TensorArray(dtype, size=size, element_shape=[None, None])
