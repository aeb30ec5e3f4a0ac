"""Answers as the gateway's responses again: what `heed.client.conversion` read, written back."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterable, Iterator
from functools import singledispatch
from typing import Any, Final

import numpy as np
from google.protobuf import json_format
from google.protobuf.message import Message

from heed.client.alignments import Alignment
from heed.client.answer_options import WeightFormat
from heed.client.captioned import Caption, CaptionResult
from heed.client.classified import ClassifyResult, SourceAttention
from heed.client.results import (
    Attention,
    FinishReason,
    FloatArray,
    GenerateResult,
    Hypothesis,
    ModelVersion,
    ScoreResult,
    Timings,
    Token,
    TokenKind,
)
from heed.v1 import inference_pb2, model_pb2

_TOKEN_KINDS: Final = {
    TokenKind.TEXT: inference_pb2.TOKEN_KIND_TEXT,
    TokenKind.UNKNOWN: inference_pb2.TOKEN_KIND_UNKNOWN,
    TokenKind.END: inference_pb2.TOKEN_KIND_END,
    TokenKind.WORD: inference_pb2.TOKEN_KIND_WORD,
}


def response_document(answer: object) -> dict[str, Any]:
    """An answer as the gateway writes its response in JSON, with this one result.

    Args:
        answer: What `Client.generate`, `score`, `classify` or `caption` gave.

    Raises:
        TypeError: It is none of these.
    """
    return json_format.MessageToDict(response_of(answer), always_print_fields_with_no_presence=True)


def request_document(answer: object) -> dict[str, Any]:
    """As much of the request in JSON as the answer knows: its text, or its picture.

    Raises:
        TypeError: It is no answer.
    """
    match answer:
        case GenerateResult():
            return {"texts": [answer.source_text]}
        case ScoreResult():
            pair = {"sourceText": answer.source_text, "targetText": answer.target.text}
            return {"pairs": [pair]}
        case ClassifyResult():
            return {"texts": [answer.text]}
        case CaptionResult():
            image = b"" if answer.attention is None else answer.attention.image
            return {"images": [{"content": base64.b64encode(image).decode()}]}
    raise TypeError(f"a {type(answer).__name__} is no answer of a gateway")


@singledispatch
def response_of(answer: object) -> Message:
    """An answer as the gateway's response.

    Raises:
        TypeError: It is no answer.
    """
    raise TypeError(f"a {type(answer).__name__} is no answer of a gateway")


@response_of.register
def _(answer: GenerateResult) -> inference_pb2.GenerateResponse:
    result = inference_pb2.GenerateResult(
        source_tokens=_tokens(answer.source_tokens),
        hypotheses=map(_hypothesis, answer.hypotheses),
    )
    return inference_pb2.GenerateResponse(
        model=_model(answer.model), results=[result], timings=_timings(answer.timings)
    )


@response_of.register
def _(answer: ScoreResult) -> inference_pb2.ScoreResponse:
    result = inference_pb2.ScoreResult(
        source_tokens=_tokens(answer.source_tokens), target=_hypothesis(answer.target)
    )
    return inference_pb2.ScoreResponse(
        model=_model(answer.model), results=[result], timings=_timings(answer.timings)
    )


@response_of.register
def _(answer: ClassifyResult) -> inference_pb2.ClassifyResponse:
    result = inference_pb2.ClassifyResult(
        labels=[
            inference_pb2.LabelProbability(label=each.label, probability=each.probability)
            for each in answer.labels
        ],
        source_tokens=_tokens(answer.source_tokens),
        attention=None if answer.attention is None else _source_attention(answer.attention),
    )
    return inference_pb2.ClassifyResponse(
        model=_model(answer.model), results=[result], timings=_timings(answer.timings)
    )


@response_of.register
def _(answer: CaptionResult) -> inference_pb2.CaptionResponse:
    grid = inference_pb2.ImageGrid(**dataclasses.asdict(answer.grid))
    result = inference_pb2.CaptionResult(grid=grid, hypotheses=map(_caption, answer.captions))
    return inference_pb2.CaptionResponse(
        model=_model(answer.model), results=[result], timings=_timings(answer.timings)
    )


def _model(model: ModelVersion) -> model_pb2.ModelVersion:
    return model_pb2.ModelVersion(name=model.name, version=model.version or 0)


def _timings(timings: Timings) -> inference_pb2.Timings:
    message = inference_pb2.Timings(cached_result_count=timings.cached_result_count)
    for name in ("total", "tokenize", "queue", "model", "heads", "detokenize", "attention"):
        seconds = getattr(timings, f"{name}_s")
        getattr(message, f"{name}_duration").FromMicroseconds(round(1e6 * seconds))
    return message


def _tokens(tokens: Iterable[Token]) -> Iterator[inference_pb2.Token]:
    return (
        inference_pb2.Token(
            id=token.id,
            text=token.text,
            begin_offset=token.begin,
            end_offset=token.end,
            kind=_TOKEN_KINDS[token.kind],
            score=token.score,
        )
        for token in tokens
    )


def _hypothesis(hypothesis: Hypothesis) -> inference_pb2.Hypothesis:
    attention, alignment = hypothesis.attention, hypothesis.alignment
    was_cut = hypothesis.finish_reason is FinishReason.LENGTH
    return inference_pb2.Hypothesis(
        text=hypothesis.text,
        score=hypothesis.score,
        tokens=_tokens(hypothesis.tokens),
        finish_reason=(
            inference_pb2.FINISH_REASON_LENGTH if was_cut else inference_pb2.FINISH_REASON_END
        ),
        attention=None if attention is None else _attention(attention),
        rank_score=hypothesis.rank_score,
        alignment=None if alignment is None else _alignment(alignment),
    )


def _attention(attention: Attention) -> inference_pb2.Attention:
    heads = [
        inference_pb2.AttentionHead(
            layer_index=layer,
            head_index=head,
            **_weights(attention.head(layer, head).weights, attention),
        )
        for layer, head in attention.head_places
    ]
    return inference_pb2.Attention(
        target_tokens=_tokens(attention.target_tokens),
        source_tokens=_tokens(attention.source_tokens),
        heads=heads,
        **_weights(attention.weights, attention),
    )


def _caption(caption: Caption) -> inference_pb2.Hypothesis:
    """A caption; its maps as rows of places, from the left and from above."""
    attention = caption.attention
    flat = None
    if attention is not None:
        heads = attention.heads
        flat = Attention(
            attention.target_tokens,
            (),
            _rows(attention.weights),
            None if heads is None else _rows(heads),
        )
    return _hypothesis(
        Hypothesis(
            caption.text,
            caption.score,
            caption.tokens,
            caption.finish_reason,
            flat,
            caption.rank_score,
        )
    )


def _rows(maps: FloatArray) -> FloatArray:
    """Maps, float32 [..., rows, columns], as weights, float32 [..., places]."""
    return maps.reshape(*maps.shape[:-2], maps.shape[-2] * maps.shape[-1])


def _weights(weights: FloatArray, attention: Attention) -> dict[str, Any]:
    """The fields of weights, laid out as they travelled."""
    is_short = attention.weight_format is WeightFormat.FLOAT16
    if attention.top_weights is None and not is_short:
        return {"weights": weights.ravel().tolist()}
    packed = inference_pb2.PackedWeights()
    if attention.top_weights is not None:
        packed.weights_per_row = attention.top_weights
        columns = np.argsort(-weights, axis=1, kind="stable")[:, : attention.top_weights]
        packed.columns.extend(columns.ravel().tolist())
        weights = np.take_along_axis(weights, columns, axis=1)
    if is_short:
        packed.float16_weights = weights.astype("<f2").tobytes()
    else:
        packed.weights.extend(weights.ravel().tolist())
    return {"packed_weights": packed}


def _alignment(alignment: Alignment) -> inference_pb2.Alignment:
    source, target = (
        [inference_pb2.TextSpan(begin_offset=word.begin, end_offset=word.end) for word in words]
        for words in (alignment.source_words, alignment.target_words)
    )
    pairs = [
        inference_pb2.AlignedPair(
            source_index=pair.source_index, target_index=pair.target_index, weight=pair.weight
        )
        for pair in alignment.pairs
    ]
    return inference_pb2.Alignment(source_words=source, target_words=target, pairs=pairs)


def _source_attention(attention: SourceAttention) -> inference_pb2.SourceAttention:
    heads = () if attention.heads is None else attention.heads
    return inference_pb2.SourceAttention(
        source_tokens=_tokens(attention.tokens),
        weights=attention.weights.tolist(),
        heads=[
            inference_pb2.AttentionHead(layer_index=0, head_index=place, weights=head.tolist())
            for place, head in enumerate(heads)
        ],
        sentences=[
            inference_pb2.SentenceWeight(
                begin_offset=each.begin, end_offset=each.end, weight=each.weight
            )
            for each in attention.sentences
        ],
    )
