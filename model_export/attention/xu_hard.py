"""Hard attention: one place at a time."""

from __future__ import annotations

from typing import Final, NamedTuple

import keras
import tensorflow as tf

from model_export.attention.base import (
    AttentionOutput,
    Choice,
    State,
    at_least_float32,
    masked_softmax,
    weighted_sum,
)
from model_export.attention.xu_soft import XuSoftAttention
from model_export.config import HardInference
from model_export.random_numbers import uniform_at

_INFERENCE_SEED: Final = 0
_SMALLEST: Final = 1e-30


class HardState(NamedTuple):
    """What is remembered while places are drawn.

    Attributes:
        seeds: Where each row's random numbers come from, int32 [B].
        positions: Target position, int32 [B].
        takes_mean: Rows that read the expected vector in place of a drawn one, bool [B].
    """

    seeds: tf.Tensor
    positions: tf.Tensor
    takes_mean: tf.Tensor


class XuHardAttention(XuSoftAttention):
    """Additive attention that reads one place, drawn at random in training.

        alpha[b] = softmax(v . tanh(W q[b] + U k[b, s]))    Xu et al. 2015, eqs. 4-5
        place[b] ~ Multinoulli(alpha[b])                    eq. 8
        context[b] = beta[b] k[b, place[b]]                 eq. 9, with the gate of 4.2.1

    No gradient flows through the draw: training adds eq. 11's terms for it, in
    `model_export.training.hard_attention`. In some rows the expected vector sum_s alpha_s k_s is
    read instead (section 4.1), through which the gradient does flow.

    A row's places depend on its seed alone, and not on its batch.

    Args:
        units: Width of the scoring network, 1 or more.
        gate: Whether there is a gate; else beta is 1.
        inference: What is read where nothing is learnt: the likeliest place, a drawn one (the
            same for the same source), or the expected vector.
        expected_share: Share of the rows that read the expected vector in training, 0 to 1.

    Call arguments:
        query: Decoder state, float [B, Q].
        projected_keys: `project_keys(values)`, float [B, S, units].
        values: Encoder states, float [B, S, D].
        mask: True at real tokens, bool [B, S].
        state: A HardState where places are drawn; else ().

    Returns:
        AttentionOutput: context float [B, D]; weights float [B, S], 0 where masked: 1 at the
        place that was read, or alpha where the expected vector was. Each row sums to 1; a row
        with no real token is all 0. The choice is of the drawn rows; elsewhere log_probability
        is 0.
    """

    chooses = True

    def __init__(
        self,
        units: int,
        *,
        gate: bool = True,
        inference: HardInference = HardInference.ARGMAX,
        expected_share: float = 0.5,
        dtype: object = None,
        name: str | None = None,
    ) -> None:
        super().__init__(units, gate=gate, dtype=dtype, name=name)
        self.inference = inference
        self.expected_share = expected_share
        self.seed_generator = keras.random.SeedGenerator()

    def initial_state(self, values: tf.Tensor, *, sampling: bool = False) -> State:
        """Seeds for the draws of training, or of inference if it draws; else nothing."""
        rows = tf.shape(values)[0]
        zeros = tf.zeros([rows], tf.int32)
        if sampling:
            seeds = tf.random.stateless_uniform(
                [rows], self.seed_generator.next(), minval=None, maxval=None, dtype=tf.int32
            )
            # Step 0 of a row's numbers says whether it draws; the others say what.
            return HardState(seeds, zeros, uniform_at(seeds, zeros) < self.expected_share)
        if self.inference is HardInference.SAMPLE:
            return HardState(zeros + _INFERENCE_SEED, zeros, tf.zeros([rows], tf.bool))
        return ()

    def call(
        self,
        query: tf.Tensor,
        *,
        projected_keys: tf.Tensor,
        values: tf.Tensor,
        mask: tf.Tensor,
        state: State,
    ) -> AttentionOutput:
        """Context, weights and choice; the shapes are in the class docstring."""
        alpha = masked_softmax(self.score(query, projected_keys), mask)
        precise = at_least_float32(alpha)
        if isinstance(state, HardState):
            numbers = uniform_at(state.seeds, state.positions + 1)
            places, mean = _drawn(precise, numbers), state.takes_mean
            state = state._replace(positions=state.positions + 1)
        else:
            places = tf.argmax(precise, axis=-1, output_type=tf.int32)
            mean = tf.fill([tf.shape(alpha)[0]], self.inference is HardInference.EXPECTATION)
        one_hot = tf.one_hot(places, tf.shape(alpha)[1], on_value=True, off_value=False) & mask
        mean = mean[:, tf.newaxis]
        weights = tf.where(mean, alpha, tf.cast(one_hot, alpha.dtype))
        context = self.gated(query, weighted_sum(weights, values))
        return AttentionOutput(context, weights, state, _choice(precise, one_hot & ~mean))


def _drawn(alpha: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
    """The place of each row where the sum of alpha passes the random number; int32 [B]."""
    sums = tf.cumsum(alpha, axis=-1)
    thresholds = tf.cast(numbers, sums.dtype) * sums[:, -1]
    # Rounding aside, one place at the most has a sum that passes; it has a weight above 0.
    passed = tf.cast(sums <= thresholds[:, tf.newaxis], tf.int32)
    last = tf.reduce_sum(tf.cast(alpha > 0, tf.int32), axis=-1) - 1
    return tf.minimum(tf.reduce_sum(passed, axis=-1), tf.maximum(last, 0))


def _choice(alpha: tf.Tensor, chosen: tf.Tensor) -> Choice:
    """What was likely, float32: of alpha [B, S], and the places that were chosen, bool [B, S]."""
    logarithms = tf.math.log(tf.maximum(alpha, _SMALLEST))
    return Choice(
        tf.cast(tf.reduce_sum(tf.where(chosen, logarithms, 0.0), axis=-1), tf.float32),
        tf.cast(-tf.reduce_sum(alpha * logarithms, axis=-1), tf.float32),
    )
