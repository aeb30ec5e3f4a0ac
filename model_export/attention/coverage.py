"""What a source position has been read so far."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import keras
import tensorflow as tf

from model_export.composite import CompositeLayer


class CoverageState(NamedTuple):
    """How far each source position has been read.

    Attributes:
        coverage: C, float [B, S, C's width].
        fertility: Phi, how often a position is expected to be read, float [B, S, 1]; 1 where the
            coverage does not divide by it.
    """

    coverage: tf.Tensor
    fertility: tf.Tensor


class Coverage(CompositeLayer):
    """Keeps account of what has been read: C_{i,j} of Tu et al. 2016, section 3."""

    @abstractmethod
    def initial_state(self, values: tf.Tensor) -> CoverageState:
        """Nothing read yet, of encoder states float [B, S, D]."""

    @abstractmethod
    def call(
        self, state: CoverageState, *, weights: tf.Tensor, query: tf.Tensor, values: tf.Tensor
    ) -> CoverageState:
        """The state after one more target position.

        Args:
            state: The state before it.
            weights: Attention there, float [B, S].
            query: The decoder's state that attended, float [B, Q].
            values: Encoder states, float [B, S, D].
        """


class CoverageCount(Coverage):
    """The weights a position has had so far, as a share of what it is expected to get.

        C[i, j] = C[i-1, j] + alpha[i, j] / Phi[j]          Tu et al. 2016, section 3.1
        Phi[j] = N sigmoid(u . k[j])                        the fertility of position j

    Args:
        max_fertility: N, the most target tokens that a source token is expected to make.
    """

    def __init__(self, max_fertility: float, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.max_fertility = max_fertility
        self.fertility = keras.layers.Dense(
            1, activation="sigmoid", use_bias=False, dtype=self.dtype_policy, name="fertility"
        )

    def initial_state(self, values: tf.Tensor) -> CoverageState:
        """Coverage 0, and the fertility of each position."""
        fertility = self.max_fertility * self.fertility(values)
        return CoverageState(tf.zeros_like(fertility), fertility)

    def call(
        self, state: CoverageState, *, weights: tf.Tensor, query: tf.Tensor, values: tf.Tensor
    ) -> CoverageState:
        """Adds the weights; the arguments are those of `Coverage.call`."""
        added = weights[:, :, tf.newaxis] / state.fertility
        return state._replace(coverage=state.coverage + added)


class CoverageVector(Coverage):
    """A small recurrence at each source position, which learns what to remember.

        C[i, j] = GRU(C[i-1, j], [alpha[i, j]; k[j]; q[i]])         Tu et al. 2016, section 3.2

    The recurrence is Keras' `GRUCell` (reset gate after the matrix product).

    Args:
        width: Width of C; the paper's models have 10 and 100.
    """

    def __init__(self, width: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.width = width
        self.cell = keras.layers.GRUCell(width, dtype=self.dtype_policy, name="cell")

    def initial_state(self, values: tf.Tensor) -> CoverageState:
        """Coverage 0."""
        zero = tf.zeros_like(values[:, :, :1])
        return CoverageState(zero * tf.zeros([self.width], zero.dtype), tf.ones_like(zero))

    def call(
        self, state: CoverageState, *, weights: tf.Tensor, query: tf.Tensor, values: tf.Tensor
    ) -> CoverageState:
        """One step of every position; the arguments are those of `Coverage.call`."""
        weights = weights[:, :, tf.newaxis]
        queries = query[:, tf.newaxis, :] + tf.zeros_like(weights)
        inputs = tf.concat([weights, values, queries], axis=-1)
        rows = tf.reshape(inputs, [-1, inputs.shape[-1]])  # [B S, 1 + D + Q]
        _, (coverage,) = self.cell(rows, [tf.reshape(state.coverage, [-1, self.width])])
        coverage = tf.reshape(coverage, tf.shape(state.coverage))
        # A loop wants the static shape that it began with.
        return state._replace(coverage=tf.ensure_shape(coverage, state.coverage.shape))
