"""From the messages of heed.v1 to the values that callers see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from google.protobuf.duration_pb2 import Duration

from heed.client.alignments import AlignedPair, Alignment, Word
from heed.client.answer_options import WeightFormat
from heed.client.results import (
    Attention,
    AttentionKind,
    FinishReason,
    GenerateResult,
    Hypothesis,
    ImageInput,
    Model,
    ModelCard,
    ModelVersion,
    ScoreResult,
    Timings,
    Token,
    TokenKind,
)
from heed.client.tokenized import TokenizedText
from heed.client.version_status import VersionCondition, VersionStatus
from heed.client.weights import read_heads, read_weights
from heed.v1 import inference_pb2, model_pb2

_TOKEN_KINDS = {
    inference_pb2.TOKEN_KIND_UNKNOWN: TokenKind.UNKNOWN,
    inference_pb2.TOKEN_KIND_END: TokenKind.END,
    inference_pb2.TOKEN_KIND_WORD: TokenKind.WORD,
}


def generate_results(
    texts: Sequence[str], response: inference_pb2.GenerateResponse
) -> list[GenerateResult]:
    """One result per text, in order."""
    model, times = model_version(response.model), timings(response.timings)
    return [
        GenerateResult(
            source_text=text,
            source_tokens=tokens(result.source_tokens),
            hypotheses=tuple(_hypothesis(hypothesis, text) for hypothesis in result.hypotheses),
            model=model,
            timings=times,
        )
        for text, result in zip(texts, response.results, strict=True)
    ]


def score_results(
    source_texts: Sequence[str], response: inference_pb2.ScoreResponse
) -> list[ScoreResult]:
    """One result per pair, in order."""
    model, times = model_version(response.model), timings(response.timings)
    return [
        ScoreResult(
            source_text=text,
            source_tokens=tokens(result.source_tokens),
            target=_hypothesis(result.target, text),
            model=model,
            timings=times,
        )
        for text, result in zip(source_texts, response.results, strict=True)
    ]


def tokenized_texts(
    texts: Sequence[str], response: inference_pb2.TokenizeResponse
) -> list[TokenizedText]:
    """One result per text, in order."""
    model = model_version(response.model)
    return [
        TokenizedText(
            text=text,
            tokens=tokens(result.tokens),
            pieces=tuple(result.pieces),
            fits=result.fits,
            max_token_count=response.max_token_count,
            model=model,
        )
        for text, result in zip(texts, response.results, strict=True)
    ]


def model(message: model_pb2.Model) -> Model:
    """A model's description."""
    card = message.card
    return Model(
        name=message.name,
        version=message.version,
        ready_versions=tuple(message.ready_versions),
        ready=message.ready,
        status_message=message.status_message,
        task=message.task,
        max_source_tokens=message.max_source_tokens,
        max_target_tokens=message.max_target_tokens,
        max_beam_width=message.max_beam_width or 1,
        versions=tuple(_version_status(status) for status in message.versions),
        replica_count=message.replica_count,
        healthy_replica_count=message.healthy_replica_count,
        attention=tuple(
            AttentionKind(kind.name, kind.layer_index, kind.head_count, kind.normalized)
            for kind in message.attention
        ),
        attention_average=message.attention_average,
        signatures=tuple(message.signatures),
        precision=message.precision,
        class_labels=tuple(message.class_labels),
        image=_image(message.image) if message.HasField("image") else None,
        card=ModelCard(
            description=card.description,
            training_data=card.training_data,
            training_data_license=card.training_data_license,
            metrics=dict(card.metrics),
            software=dict(card.software),
        ),
    )


def _image(message: model_pb2.ImageInput) -> ImageInput:
    return ImageInput(
        height=message.height,
        max_width=message.max_width,
        channel_count=message.channel_count,
        cell_height=message.cell_height,
        cell_width=message.cell_width,
    )


def _version_status(message: model_pb2.VersionStatus) -> VersionStatus:
    return VersionStatus(
        version=message.version,
        condition=_CONDITIONS.get(message.condition, VersionCondition.UNKNOWN),
        replica_count=message.replica_count,
        message=message.message,
        labels=tuple(message.labels),
        traffic_share=message.traffic_share,
    )


_CONDITIONS: Final[Mapping[int, VersionCondition]] = {
    model_pb2.VERSION_CONDITION_READY: VersionCondition.READY,
    model_pb2.VERSION_CONDITION_LOADING: VersionCondition.LOADING,
    model_pb2.VERSION_CONDITION_REFUSED: VersionCondition.REFUSED,
    model_pb2.VERSION_CONDITION_FAILED: VersionCondition.FAILED,
}


def model_version(message: model_pb2.ModelVersion) -> ModelVersion:
    """A model and its version."""
    return ModelVersion(message.name, message.version)


def _seconds(duration: Duration) -> float:
    return float(duration.ToTimedelta().total_seconds())


def timings(message: inference_pb2.Timings) -> Timings:
    """Where the time of a call went."""
    return Timings(
        total_s=_seconds(message.total_duration),
        tokenize_s=_seconds(message.tokenize_duration),
        queue_s=_seconds(message.queue_duration),
        model_s=_seconds(message.model_duration),
        heads_s=_seconds(message.heads_duration),
        detokenize_s=_seconds(message.detokenize_duration),
        attention_s=_seconds(message.attention_duration),
        cached_result_count=message.cached_result_count,
    )


def tokens(messages: Iterable[inference_pb2.Token]) -> tuple[Token, ...]:
    """Tokens of a source or an output."""
    return tuple(
        Token(
            id=message.id,
            text=message.text,
            begin=message.begin_offset,
            end=message.end_offset,
            kind=_TOKEN_KINDS.get(message.kind, TokenKind.TEXT),
            score=message.score if message.HasField("score") else None,
        )
        for message in messages
    )


def finish_reason(message: inference_pb2.Hypothesis) -> FinishReason:
    """Why an output ended."""
    was_cut = message.finish_reason == inference_pb2.FINISH_REASON_LENGTH
    return FinishReason.LENGTH if was_cut else FinishReason.END


def _hypothesis(message: inference_pb2.Hypothesis, source_text: str) -> Hypothesis:
    alignment = None
    if message.HasField("alignment"):
        alignment = _alignment(message.alignment, source_text=source_text, target_text=message.text)
    return Hypothesis(
        text=message.text,
        score=message.score,
        tokens=tokens(message.tokens),
        finish_reason=finish_reason(message),
        attention=_attention(message.attention) if message.HasField("attention") else None,
        rank_score=message.rank_score if message.HasField("rank_score") else None,
        alignment=alignment,
    )


def _attention(message: inference_pb2.Attention) -> Attention:
    target_tokens, source_tokens = tokens(message.target_tokens), tokens(message.source_tokens)
    shape = len(target_tokens), len(source_tokens)
    packed = message.packed_weights
    return Attention(
        target_tokens,
        source_tokens,
        read_weights(message, shape),
        read_heads(message.heads, shape),
        WeightFormat.FLOAT16 if packed.float16_weights else WeightFormat.FLOAT32,
        packed.weights_per_row if packed.HasField("weights_per_row") else None,
    )


def _alignment(
    message: inference_pb2.Alignment, *, source_text: str, target_text: str
) -> Alignment:
    return Alignment(
        source_words=_words(source_text, message.source_words),
        target_words=_words(target_text, message.target_words),
        pairs=tuple(
            AlignedPair(pair.source_index, pair.target_index, pair.weight) for pair in message.pairs
        ),
    )


def _words(text: str, spans: Iterable[inference_pb2.TextSpan]) -> tuple[Word, ...]:
    return tuple(
        Word(text[span.begin_offset : span.end_offset], span.begin_offset, span.end_offset)
        for span in spans
    )
