"""What every decoder takes and returns."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import tensorflow as tf

from model_export.attention import Choice
from model_export.encoders import EncoderOutput

State = Any
"""A nest of tensors with B as dimension 0, which searches reorder and repeat by rows."""

Memory = Any
"""What a decoder reads of the source; a nest as `State`, computed once per source."""


class DecoderStep(NamedTuple):
    """One step of a decoder.

    Attributes:
        features: What the output layer reads, float [B, F].
        attention_heads: Weights per layer and head, float [B, L, N, S].
        state: The state for the next step.
        choice: A `Choice` [B] of attention that chooses; else ().
    """

    features: tf.Tensor
    attention_heads: tf.Tensor
    state: State
    choice: Choice | tuple[()] = ()


class DecoderOutput(NamedTuple):
    """All positions of given targets.

    Attributes:
        features: What the output layer reads, float [B, T, F].
        attention_heads: Weights per layer and head, float [B, L, N, T, S].
        choice: A `Choice` [B, T] of attention that chooses; else ().
    """

    features: tf.Tensor
    attention_heads: tf.Tensor
    choice: Choice | tuple[()] = ()


class Decoder(Protocol):
    """A decoder: step by step and over a whole target, with the same numbers."""

    def read(self, encoded: EncoderOutput, mask: tf.Tensor) -> Memory:
        """The memory of a source: `encoded` with its mask bool [B, S]."""

    def initial_state(self, encoded: EncoderOutput, *, sampling: bool = False) -> State:
        """The state before the first step; whether attention that chooses shall draw places."""

    def step(self, tokens: tf.Tensor, state: State, memory: Memory) -> DecoderStep:
        """One position, from the token before it, int32 [B]; dropout is off."""

    def __call__(
        self, tokens: tf.Tensor, state: State, memory: Memory, *, training: bool = False
    ) -> DecoderOutput:
        """All positions, from the token before each, int32 [B, T]."""
