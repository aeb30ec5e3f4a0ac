"""Greedy search: the most probable token at every step."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from model_export.decoding.hypotheses import Hypotheses
from model_export.decoding.options import DecodingOptions
from model_export.decoding.picking import limited_steps, most_probable
from model_export.decoding.step_model import StepModel
from model_export.decoding.token_loop import decode_tokens


def greedy_search(
    model: StepModel,
    tokens: tf.Tensor,
    *,
    lengths: tf.Tensor,
    options: DecodingOptions,
    attention_layers: Sequence[int],
) -> Hypotheses:
    """Decodes a batch, in the graph or eagerly, until every row has ended.

        y_i = argmax_v log p(v | y_1 .. y_{i-1}, x)      over the tokens that the options allow

    Args:
        model: Scores the next token.
        tokens: Source ids, int32 [B, S]. B may be 0; S is 1 or more.
        lengths: Real tokens of each source, int32 [B], 1 to S.
        options: Limits and forced tokens of each row.
        attention_layers: Layers that `Hypotheses.attention` averages, indices into L.

    Returns:
        Hypotheses with K = 1. A row does not depend on the others.
    """
    limited = limited_steps(options)
    return decode_tokens(
        model,
        tokens,
        lengths=lengths,
        options=options,
        attention_layers=attention_layers,
        pick=lambda logits, step: most_probable(logits, step, options, limited_steps=limited),
    )
