"""What every decoder takes and returns."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import tensorflow as tf

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
    """

    features: tf.Tensor
    attention_heads: tf.Tensor
    state: State


class DecoderOutput(NamedTuple):
    """All positions of given targets.

    Attributes:
        features: What the output layer reads, float [B, T, F].
        attention_heads: Weights per layer and head, float [B, L, N, T, S].
    """

    features: tf.Tensor
    attention_heads: tf.Tensor


class Decoder(Protocol):
    """A decoder: step by step and over a whole target, with the same numbers."""

    def read(self, encoded: EncoderOutput, mask: tf.Tensor) -> Memory:
        """The memory of a source: `encoded` with its mask bool [B, S]."""

    def initial_state(self, encoded: EncoderOutput) -> State:
        """The state before the first step."""

    def step(self, tokens: tf.Tensor, state: State, memory: Memory) -> DecoderStep:
        """One position, from the token before it, int32 [B]; dropout is off."""

    def __call__(
        self, tokens: tf.Tensor, state: State, memory: Memory, *, training: bool = False
    ) -> DecoderOutput:
        """All positions, from the token before each, int32 [B, T]."""
