"""What the signature `classify` computes."""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

from heed.contract import ATTENTION_HEADS_OUTPUT, ATTENTION_OUTPUT, SENTENCE_ATTENTION_OUTPUT
from model_export.models.build_classifier import AnyClassifier


def classify(model: AnyClassifier, inputs: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Labels texts.

    Args:
        model: The model.
        inputs: "tokens" int32 [B, S], "lengths" int32 [B] and, of hierarchical models,
            "sentence_ids" int32 [B, S].

    Returns:
        "probabilities" float32 [B, C]; "attention" float32 [B, S] and "attention_heads" float32
        [B, N, S], 0 behind each row's length; of hierarchical models also "sentence_attention"
        float32 [B, Z], 0 behind each row's sentences.
    """
    output = model(inputs)
    outputs = {
        "probabilities": tf.nn.softmax(output.logits),
        ATTENTION_OUTPUT: output.attention,
        ATTENTION_HEADS_OUTPUT: output.attention_heads,
    }
    if output.sentence_attention is not None:
        outputs[SENTENCE_ATTENTION_OUTPUT] = output.sentence_attention
    return outputs
