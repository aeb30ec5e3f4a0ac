"""Answers into messages. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from google.protobuf.duration_pb2 import Duration

from heed.contract import Contract, ImageInput
from heed.text.words import WordSpan
from heed.v1 import inference_pb2, model_pb2
from service.api.weight_messages import write_weights
from service.domain.answers import (
    Alignment,
    Answer,
    Attention,
    FinishReason,
    Hypothesis,
    TextResult,
    Timings,
    Token,
    TokenKind,
)
from service.domain.models import (
    LoadedVersion,
    ModelState,
    VersionCondition,
    VersionKey,
    VersionState,
)

_TOKEN_KINDS: Final[Mapping[TokenKind, inference_pb2.TokenKind]] = {
    TokenKind.TEXT: inference_pb2.TOKEN_KIND_TEXT,
    TokenKind.UNKNOWN: inference_pb2.TOKEN_KIND_UNKNOWN,
    TokenKind.END: inference_pb2.TOKEN_KIND_END,
    TokenKind.WORD: inference_pb2.TOKEN_KIND_WORD,
}
_FINISH_REASONS: Final[Mapping[FinishReason, inference_pb2.FinishReason]] = {
    FinishReason.END: inference_pb2.FINISH_REASON_END,
    FinishReason.LENGTH: inference_pb2.FINISH_REASON_LENGTH,
}
_CONDITIONS: Final[Mapping[VersionCondition, model_pb2.VersionCondition]] = {
    VersionCondition.READY: model_pb2.VERSION_CONDITION_READY,
    VersionCondition.LOADING: model_pb2.VERSION_CONDITION_LOADING,
    VersionCondition.REFUSED: model_pb2.VERSION_CONDITION_REFUSED,
    VersionCondition.FAILED: model_pb2.VERSION_CONDITION_FAILED,
}


def write_generate(answer: Answer) -> inference_pb2.GenerateResponse:
    """The answer to GenerateRequest."""
    return inference_pb2.GenerateResponse(
        model=write_version(answer.model),
        results=[
            inference_pb2.GenerateResult(
                source_tokens=write_tokens(result.source_tokens),
                hypotheses=[write_hypothesis(hypothesis) for hypothesis in result.hypotheses],
            )
            for result in answer.results
        ],
        timings=write_timings(answer.timings),
    )


def write_score(answer: Answer) -> inference_pb2.ScoreResponse:
    """The answer to ScoreRequest."""
    return inference_pb2.ScoreResponse(
        model=write_version(answer.model),
        results=[_write_score_result(result) for result in answer.results],
        timings=write_timings(answer.timings),
    )


def _write_score_result(result: TextResult) -> inference_pb2.ScoreResult:
    return inference_pb2.ScoreResult(
        source_tokens=write_tokens(result.source_tokens),
        target=write_hypothesis(result.hypotheses[0]),
    )


def write_models(states: Iterable[ModelState]) -> inference_pb2.ListModelsResponse:
    """The answer to ListModelsRequest; each is described by the version that calls go to."""
    models = [_write_model(state, state.current) for state in states]
    return inference_pb2.ListModelsResponse(models=models)


def write_model(
    state: ModelState, described_by: LoadedVersion | None
) -> inference_pb2.GetModelResponse:
    """The answer to GetModelRequest."""
    return inference_pb2.GetModelResponse(model=_write_model(state, described_by))


def _write_model(state: ModelState, described_by: LoadedVersion | None) -> model_pb2.Model:
    model = model_pb2.Model(
        name=state.name,
        ready=state.is_ready,
        ready_versions=state.version_numbers,
        status_message=state.status_message,
        versions=[_write_version_state(version) for version in state.version_states],
        replica_count=state.replica_count,
        healthy_replica_count=state.healthy_replica_count,
    )
    if described_by is not None:
        model.version = described_by.key.version
        _describe(model, described_by.contract)
    return model


def _write_version_state(state: VersionState) -> model_pb2.VersionStatus:
    return model_pb2.VersionStatus(
        version=state.version,
        condition=_CONDITIONS[state.condition],
        replica_count=state.replica_count,
        message=state.message,
        labels=state.labels,
        traffic_share=state.traffic_share,
    )


def _describe(model: model_pb2.Model, contract: Contract) -> None:
    model.task = contract.task.value
    model.max_source_tokens = contract.max_source_tokens
    model.max_target_tokens = contract.max_target_tokens
    model.max_beam_width = contract.max_beam_width
    model.attention.extend(
        model_pb2.AttentionKind(
            name=layer.kind,
            layer_index=layer.layer_index,
            head_count=layer.head_count,
            normalized=layer.normalized,
        )
        for layer in contract.attention
    )
    model.attention_average = contract.attention_average.description
    model.signatures.extend(sorted(signature.value for signature in contract.signatures))
    model.precision = contract.precision.value
    if contract.source_tokenizer is not None:
        model.source_tokenizer_sha256 = contract.source_tokenizer.sha256
    if contract.image is not None:
        model.image.CopyFrom(_write_image(contract.image))
    if contract.target_tokenizer is not None:
        model.target_tokenizer_sha256 = contract.target_tokenizer.sha256
    model.class_labels.extend(contract.labels)
    card = contract.card
    model.card.CopyFrom(
        model_pb2.ModelCard(
            description=card.description,
            training_data=card.training_data,
            training_data_license=card.training_data_license,
            metrics=card.metrics,
            software=card.software,
        )
    )


def _write_image(image: ImageInput) -> model_pb2.ImageInput:
    return model_pb2.ImageInput(
        height=image.height,
        max_width=image.max_width,
        channel_count=image.channel_count,
        cell_height=image.cell_height,
        cell_width=image.cell_width,
    )


def write_version(key: VersionKey) -> model_pb2.ModelVersion:
    """The model and version that answered."""
    return model_pb2.ModelVersion(name=key.name, version=key.version)


def write_tokens(tokens: Iterable[Token]) -> list[inference_pb2.Token]:
    """Tokens of an answer."""
    return [
        inference_pb2.Token(
            id=token.id,
            text=token.text,
            begin_offset=token.begin,
            end_offset=token.end,
            kind=_TOKEN_KINDS[token.kind],
            score=token.score,
        )
        for token in tokens
    ]


def write_hypothesis(hypothesis: Hypothesis) -> inference_pb2.Hypothesis:
    """An output of an answer."""
    attention, alignment = hypothesis.attention, hypothesis.alignment
    return inference_pb2.Hypothesis(
        text=hypothesis.text,
        score=hypothesis.score,
        tokens=write_tokens(hypothesis.tokens),
        finish_reason=_FINISH_REASONS[hypothesis.finish_reason],
        attention=None if attention is None else _write_attention(attention),
        rank_score=hypothesis.rank_score,
        alignment=None if alignment is None else _write_alignment(alignment),
    )


def _write_attention(attention: Attention) -> inference_pb2.Attention:
    message = inference_pb2.Attention(
        target_tokens=write_tokens(attention.target_tokens),
        source_tokens=write_tokens(attention.source_tokens),
    )
    write_weights(message, attention.weights, attention.packing)
    for head in attention.heads:
        written = message.heads.add(layer_index=head.layer_index, head_index=head.head_index)
        write_weights(written, head.weights, attention.packing)
    return message


def _write_alignment(alignment: Alignment) -> inference_pb2.Alignment:
    return inference_pb2.Alignment(
        source_words=_write_spans(alignment.source_words),
        target_words=_write_spans(alignment.target_words),
        pairs=[
            inference_pb2.AlignedPair(
                source_index=pair.source_index, target_index=pair.target_index, weight=pair.weight
            )
            for pair in alignment.pairs
        ],
    )


def _write_spans(spans: Iterable[WordSpan]) -> list[inference_pb2.TextSpan]:
    return [inference_pb2.TextSpan(begin_offset=begin, end_offset=end) for begin, end in spans]


def write_timings(timings: Timings) -> inference_pb2.Timings:
    """Where the time of a call went."""
    return inference_pb2.Timings(
        total_duration=_write_duration(timings.total_s),
        tokenize_duration=_write_duration(timings.tokenize_s),
        queue_duration=_write_duration(timings.queue_s),
        model_duration=_write_duration(timings.model_s),
        heads_duration=_write_duration(timings.heads_s),
        detokenize_duration=_write_duration(timings.detokenize_s),
        attention_duration=_write_duration(timings.attention_s),
        cached_result_count=timings.cached_result_count,
    )


def _write_duration(seconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(int(seconds * 1e9))
    return duration
