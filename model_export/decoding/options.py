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


class BeamOptions(NamedTuple):
    """What beam search does beyond limits and forced tokens. Nothing here is checked.

    Attributes:
        beam_width: Hypotheses kept per row, int32 [B], 1 or more.
        length_penalty: alpha of Wu et al. 2016, float32 [B], 0 or more; 0 = none.
        coverage_penalty: beta of Wu et al. 2016, float32 [B], 0 or more; 0 = none.
        no_repeat_ngram: No n tokens in a row come twice, int32 [B]; 0 = they may.
    """

    beam_width: tf.Tensor
    length_penalty: tf.Tensor
    coverage_penalty: tf.Tensor
    no_repeat_ngram: tf.Tensor


class SampleOptions(NamedTuple):
    """How tokens are drawn. Nothing here is checked.

    Attributes:
        temperature: Divides the logits, float32 [B], above 0; 1 = the model's own distribution.
        top_k: Draws from the k most probable tokens, int32 [B], 0 to V; 0 = from all.
        top_p: Draws from the fewest tokens that have this probability together, float32 [B],
            above 0 to 1; 1 = from all.
        seed: Decides what is drawn, int32 [B]; the same seed draws the same in any batch.
    """

    temperature: tf.Tensor
    top_k: tf.Tensor
    top_p: tf.Tensor
    seed: tf.Tensor


def default_options(rows: tf.Tensor | int, max_target_tokens: int) -> DecodingOptions:
    """Options that limit nothing but the length: no shortest output, no prefix."""
    zeros = tf.zeros([rows], tf.int32)
    return DecodingOptions(
        max_lengths=tf.fill([rows], max_target_tokens),
        min_lengths=zeros,
        prefix_tokens=tf.zeros([rows, 0], tf.int32),
        prefix_lengths=zeros,
    )


def default_beam_options(rows: tf.Tensor | int, beam_width: tf.Tensor | int) -> BeamOptions:
    """A plain beam: neither penalty, and repetition allowed."""
    return BeamOptions(
        beam_width=tf.fill([rows], beam_width),
        length_penalty=tf.zeros([rows]),
        coverage_penalty=tf.zeros([rows]),
        no_repeat_ngram=tf.zeros([rows], tf.int32),
    )
