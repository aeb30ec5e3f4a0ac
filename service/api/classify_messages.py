"""Classify: its message into a call, its answer into a message. Pure."""

from __future__ import annotations

from heed.v1 import inference_pb2
from service.api.answer_options import read_level
from service.api.from_messages import read_priority, read_selector
from service.api.to_messages import write_timings, write_tokens, write_version
from service.domain.classification import (
    ClassifiedText,
    ClassifyAnswer,
    ClassifyCall,
    SourceAttention,
)
from service.errors import InvalidRequestError


def read_classify(message: inference_pb2.ClassifyRequest, deadline: float | None) -> ClassifyCall:
    """The call to classify.

    Raises:
        InvalidRequestError: The model's name is too long, its version not positive, the attention
            level or priority unknown, or no labels are wanted.
    """
    options = message.options
    max_labels = options.max_labels if options.HasField("max_labels") else None
    if max_labels is not None and max_labels < 1:
        raise InvalidRequestError.of("options.max_labels", f"must be 1 or more, got {max_labels}")
    return ClassifyCall(
        model=read_selector(message.model),
        texts=tuple(message.texts),
        max_labels=max_labels,
        attention=read_level("options.attention", options.attention),
        deadline=deadline,
        priority=read_priority(message.priority),
    )


def write_classify(answer: ClassifyAnswer) -> inference_pb2.ClassifyResponse:
    """The answer to ClassifyRequest."""
    return inference_pb2.ClassifyResponse(
        model=write_version(answer.model),
        results=[_write_result(result) for result in answer.results],
        timings=write_timings(answer.timings),
    )


def _write_result(result: ClassifiedText) -> inference_pb2.ClassifyResult:
    attention = result.attention
    return inference_pb2.ClassifyResult(
        labels=[
            inference_pb2.LabelProbability(label=each.label, probability=each.probability)
            for each in result.labels
        ],
        source_tokens=write_tokens(result.source_tokens),
        attention=None if attention is None else _write_attention(attention),
    )


def _write_attention(attention: SourceAttention) -> inference_pb2.SourceAttention:
    return inference_pb2.SourceAttention(
        source_tokens=write_tokens(attention.tokens),
        weights=attention.weights.tolist(),
        heads=[
            inference_pb2.AttentionHead(
                layer_index=head.layer_index,
                head_index=head.head_index,
                weights=head.weights.tolist(),
            )
            for head in attention.heads
        ],
        sentences=[
            inference_pb2.SentenceWeight(
                begin_offset=each.begin, end_offset=each.end, weight=each.weight
            )
            for each in attention.sentences
        ],
    )
