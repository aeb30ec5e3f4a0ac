"""What a caller may ask of a search, row by row."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class DecodingOptions(NamedTuple):
    """Limits and forced tokens of each row.

    Nothing here is checked: the exported graph and the callers in Python do that.

    Attributes:
        max_lengths: The most tokens to generate, prefix and end token counted, int32 [B],
            1 or more.
        min_lengths: The end token is not chosen before so many tokens, int32 [B], 0 to
            max_lengths.
        prefix_tokens: Tokens that each hypothesis must begin with, int32 [B, P]; P may be 0.
        prefix_lengths: How many of them count, int32 [B], 0 to the smaller of P and max_lengths.
    """

    max_lengths: tf.Tensor
    min_lengths: tf.Tensor
    prefix_tokens: tf.Tensor
    prefix_lengths: tf.Tensor


def default_options(rows: tf.Tensor | int, max_target_tokens: int) -> DecodingOptions:
    """Options that limit nothing but the length: no shortest output, no prefix."""
    zeros = tf.zeros([rows], tf.int32)
    return DecodingOptions(
        max_lengths=tf.fill([rows], max_target_tokens),
        min_lengths=zeros,
        prefix_tokens=tf.zeros([rows, 0], tf.int32),
        prefix_lengths=zeros,
    )
