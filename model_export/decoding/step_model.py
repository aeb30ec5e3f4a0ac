"""What a search needs of a model: to read a source once, and to score the next token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import tensorflow as tf

from model_export.models import StepOutput


class StepModel(Protocol):
    """A model as the searches see it. They own the loop; the model is one step of it."""

    def source_mask(self, tokens: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """True at the real source positions that attention is over, bool [B, S]."""

    def encode(self, tokens: tf.Tensor, lengths: tf.Tensor) -> tuple[tuple[tf.Tensor, ...], Any]:
        """Reads sources, int32 [B, S] of int32 [B] real tokens; or pictures, as `Seq2Seq` says.

        Returns:
            The first state (tensors with B as dimension 0), and the memory for `decode_step`.
        """

    def decode_step(
        self, tokens: tf.Tensor, state: tuple[tf.Tensor, ...], memory: Any
    ) -> StepOutput:
        """Scores the next token, given the last one, int32 [B]."""


def average_attention(attention_heads: Any, layers: Sequence[int]) -> tf.Tensor:
    """The mean over the named layers and all their heads.

    Args:
        attention_heads: Weights, float32 [B, L, N, ..., S], or [B, N, ..., S] of each layer.
        layers: Indices into dimension L, at least one.

    Returns:
        Weights, float32 [B, ..., S].
    """
    if isinstance(attention_heads, tuple):
        means = [tf.reduce_mean(attention_heads[layer], axis=1) for layer in layers]
        return means[0] if len(means) == 1 else tf.add_n(means) / float(len(means))
    return tf.reduce_mean(tf.gather(attention_heads, list(layers), axis=1), axis=[1, 2])
