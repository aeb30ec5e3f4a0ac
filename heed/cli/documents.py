"""Results as JSON documents."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np

from heed.client import (
    Alignment,
    Attention,
    Caption,
    CaptionResult,
    ClassifyResult,
    GenerateResult,
    Hypothesis,
    ImageAttention,
    Model,
    ScoreResult,
    SourceAttention,
    Timings,
    Token,
    TokenizedText,
    Word,
)
from heed.client.results import FloatArray

Document = dict[str, Any]

_DECIMALS = 6


def as_json_line(document: Document | list[Document] | None) -> str:
    """The document as one line."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def generate_document(result: GenerateResult) -> Document:
    """An answer; its `attention` is null unless asked for.

    `alternatives` holds the hypotheses after the best, if several were asked for.
    """
    return {
        **_answer_document(result, result.best),
        "alternatives": [_hypothesis_document(other) for other in result.hypotheses[1:]],
    }


def score_document(result: ScoreResult) -> Document:
    """The score of a target, laid out as an answer."""
    return _answer_document(result, result.target)


def attention_document(attention: Attention) -> Document:
    """Weights as rows, with the tokens of both axes; a head that does not exist is null."""
    return {
        "target_tokens": [_token_document(token) for token in attention.target_tokens],
        "source_tokens": [_token_document(token) for token in attention.source_tokens],
        "weights": _rows(attention.weights),
        "heads": None if attention.heads is None else [_layer(layer) for layer in attention.heads],
    }


def classify_document(result: ClassifyResult, *, most: int | None = None) -> Document:
    """The labels of a text, at most so many; its `attention` is null unless asked for."""
    attention = result.attention
    return {
        "text": result.text,
        "label": result.label,
        "probability": _number(result.probability),
        "labels": [
            {"label": each.label, "probability": _number(each.probability)}
            for each in result.labels[:most]
        ],
        "source_tokens": [_token_document(token) for token in result.source_tokens],
        "attention": None if attention is None else source_attention_document(attention),
        "model": {"name": result.model.name, "version": result.model.version},
        "timings": _timings_document(result.timings),
    }


def source_attention_document(attention: SourceAttention) -> Document:
    """The weight of every token or word, and of every sentence if the model reads sentences."""
    return {
        "tokens": [_token_document(token) for token in attention.tokens],
        "weights": _rows(attention.weights[np.newaxis])[0],
        "heads": None if attention.heads is None else _rows(attention.heads),
        "sentences": [
            {"begin": each.begin, "end": each.end, "weight": _number(each.weight)}
            for each in attention.sentences
        ],
    }


def caption_document(result: CaptionResult) -> Document:
    """The texts of a picture; `attention` is null unless asked for."""
    return {
        **_caption_document(result.captions[0]),
        "alternatives": [_caption_document(other) for other in result.captions[1:]],
        "model": {"name": result.model.name, "version": result.model.version},
        "timings": _timings_document(result.timings),
    }


def _caption_document(caption: Caption) -> Document:
    attention, rank = caption.attention, caption.rank_score
    return {
        "text": caption.text,
        "score": _number(caption.score),
        "rank_score": None if rank is None else _number(rank),
        "finish_reason": str(caption.finish_reason),
        "tokens": [_token_document(token) for token in caption.tokens],
        "attention": None if attention is None else image_attention_document(attention),
    }


def image_attention_document(attention: ImageAttention) -> Document:
    """For each token a map of weights in rows, and the grid in pixels."""
    return {
        "target_tokens": [_token_document(token) for token in attention.target_tokens],
        "grid": dataclasses.asdict(attention.grid),
        "weights": [_rows(weights) for weights in attention.weights],
    }


def tokenized_document(tokenized: TokenizedText) -> Document:
    """A text in tokens."""
    return {
        "text": tokenized.text,
        "tokens": [
            {**_token_document(token), "piece": piece}
            for token, piece in zip(tokenized.tokens, tokenized.pieces, strict=True)
        ],
        "token_count": len(tokenized.tokens),
        "fits": tokenized.fits,
        "max_token_count": tokenized.max_token_count,
        "model": {"name": tokenized.model.name, "version": tokenized.model.version},
    }


def alignment_document(alignment: Alignment) -> Document:
    """The words of both texts with their places, and the pairs of their indices."""
    return {
        "source_words": [_word_document(word) for word in alignment.source_words],
        "target_words": [_word_document(word) for word in alignment.target_words],
        "pairs": [
            {
                "source_index": pair.source_index,
                "target_index": pair.target_index,
                "weight": _number(pair.weight),
            }
            for pair in alignment.pairs
        ],
    }


def _word_document(word: Word) -> Document:
    return {"text": word.text, "begin": word.begin, "end": word.end}


def model_document(model: Model) -> Document:
    """A model's description."""
    return {
        "name": model.name,
        "version": model.version,
        "ready_versions": list(model.ready_versions),
        "ready": model.ready,
        "status_message": model.status_message,
        "task": model.task,
        "class_labels": list(model.class_labels),
        "image": None if model.image is None else dataclasses.asdict(model.image),
        "max_source_tokens": model.max_source_tokens,
        "max_target_tokens": model.max_target_tokens,
        "max_beam_width": model.max_beam_width,
        "attention": [
            {
                "name": kind.name,
                "layer_index": kind.layer_index,
                "head_count": kind.head_count,
                "normalized": kind.normalized,
            }
            for kind in model.attention
        ],
        "versions": [
            {
                "version": status.version,
                "condition": str(status.condition),
                "replica_count": status.replica_count,
                "message": status.message,
                "labels": list(status.labels),
                "traffic_share": status.traffic_share,
            }
            for status in model.versions
        ],
        "replica_count": model.replica_count,
        "healthy_replica_count": model.healthy_replica_count,
        "attention_average": model.attention_average,
        "signatures": list(model.signatures),
        "precision": model.precision,
        "card": {
            "description": model.card.description,
            "training_data": model.card.training_data,
            "training_data_license": model.card.training_data_license,
            "metrics": dict(model.card.metrics),
            "software": dict(model.card.software),
        },
    }


def _answer_document(result: GenerateResult | ScoreResult, best: Hypothesis) -> Document:
    return {
        "source_text": result.source_text,
        **_hypothesis_document(best),
        "source_tokens": [_token_document(token) for token in result.source_tokens],
        "model": {"name": result.model.name, "version": result.model.version},
        "total_s": _number(result.timings.total_s),
        "timings": _timings_document(result.timings),
    }


def _hypothesis_document(hypothesis: Hypothesis) -> Document:
    attention, alignment = hypothesis.attention, hypothesis.alignment
    rank = hypothesis.rank_score
    return {
        "text": hypothesis.text,
        "score": _number(hypothesis.score),
        "rank_score": None if rank is None else _number(rank),
        "finish_reason": str(hypothesis.finish_reason),
        "tokens": [_token_document(token) for token in hypothesis.tokens],
        "attention": None if attention is None else attention_document(attention),
        "alignment": None if alignment is None else alignment_document(alignment),
    }


def _timings_document(timings: Timings) -> Document:
    """The seconds of every stage of the call, and how many results were known already."""
    stages = {f"{name}_s": _number(seconds) for name, seconds in timings.stages.items()}
    return {**stages, "cached_result_count": timings.cached_result_count}


def _token_document(token: Token) -> Document:
    return {
        "id": token.id,
        "text": token.text,
        "begin": token.begin,
        "end": token.end,
        "kind": str(token.kind),
        "score": None if token.score is None else _number(token.score),
    }


def _layer(heads: FloatArray) -> list[list[list[float | None]] | None]:
    return [None if math.isnan(float(head.sum())) else _rows(head) for head in heads]


def _rows(weights: FloatArray) -> list[list[float | None]]:
    return [[_number(float(weight)) for weight in row] for row in weights]


def _number(value: float) -> float | None:
    """Rounded; null for what JSON cannot write."""
    return round(value, _DECIMALS) if math.isfinite(value) else None
