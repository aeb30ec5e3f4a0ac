"""What decoders share: the memory they read and what a step returns."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class DecoderMemory(NamedTuple):
    """What a decoder reads of the source; computed once per source.

    Attributes:
        values: Encoder states, float [B, S, D].
        projected_keys: The source's part of the attention scores, float [B, S, units].
        mask: True at real tokens, bool [B, S].
    """

    values: tf.Tensor
    projected_keys: tf.Tensor
    mask: tf.Tensor


class DecoderStep(NamedTuple):
    """One step of a decoder.

    Attributes:
        features: What the output layer reads, float [B, F].
        attention_heads: Weights per layer and head, float [B, L, N, S].
        state: The state for the next step, tensors with B as dimension 0.
    """

    features: tf.Tensor
    attention_heads: tf.Tensor
    state: tuple[tf.Tensor, ...]
