"""The messages of Classify."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heed.client import conversion
from heed.client.classified import (
    ClassifyResult,
    LabelProbability,
    SentenceWeight,
    SourceAttention,
)
from heed.client.priority import Priority
from heed.client.requests import (
    attention_level,
    check_number,
    check_texts,
    selector,
    wire_priority,
)
from heed.client.results import AttentionLevel, ModelVersion
from heed.v1 import inference_pb2


def classify_request(
    texts: Sequence[str],
    *,
    model: str | ModelVersion,
    attention: AttentionLevel | str,
    max_labels: int | None,
    priority: Priority,
) -> inference_pb2.ClassifyRequest:
    """The request to classify texts.

    Raises:
        TypeError: A value is not of its type.
        InvalidRequestError: A number does not fit its field, or a text is not Unicode.
        ValueError: The attention level is unknown.
    """
    check_texts("texts", texts)
    check_number("options.max_labels", max_labels)
    return inference_pb2.ClassifyRequest(
        model=selector(model),
        texts=texts,
        options=inference_pb2.ClassifyOptions(
            max_labels=max_labels, attention=attention_level(attention)
        ),
        priority=wire_priority(priority),
    )


def classify_results(
    texts: Sequence[str], response: inference_pb2.ClassifyResponse
) -> list[ClassifyResult]:
    """One result per text, in order."""
    model = conversion.model_version(response.model)
    timings = conversion.timings(response.timings)
    return [
        ClassifyResult(
            text=text,
            labels=tuple(LabelProbability(each.label, each.probability) for each in result.labels),
            source_tokens=conversion.tokens(result.source_tokens),
            attention=_attention(text, result.attention) if result.HasField("attention") else None,
            model=model,
            timings=timings,
        )
        for text, result in zip(texts, response.results, strict=True)
    ]


def _attention(text: str, message: inference_pb2.SourceAttention) -> SourceAttention:
    heads = [head.weights for head in message.heads]
    return SourceAttention(
        text=text,
        tokens=conversion.tokens(message.source_tokens),
        weights=np.array(message.weights, np.float32),
        heads=np.array(heads, np.float32) if heads else None,
        sentences=tuple(
            SentenceWeight(each.begin_offset, each.end_offset, each.weight)
            for each in message.sentences
        ),
    )
