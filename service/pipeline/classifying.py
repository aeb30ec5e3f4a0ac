"""Labelling the texts of one call, on one version of a classifier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from heed.contract import (
    ATTENTION_HEADS_OUTPUT,
    ATTENTION_OUTPUT,
    SENTENCE_ATTENTION_OUTPUT,
    Contract,
)
from heed.text import TextToken
from heed.text.sentence_ids import sentence_ids
from service.batching.batcher import Batcher
from service.domain.answers import AttentionHead, Token
from service.domain.classification import (
    ClassifiedText,
    ClassifyCall,
    LabelProbability,
    SentenceWeight,
    SourceAttention,
)
from service.domain.models import LoadedVersion
from service.domain.signatures import Array, AttentionLevel, FloatArray, classify_target
from service.errors import InvalidRequestError, ModelAnswerError
from service.pipeline.attention_words import sums_over_words, word_axis
from service.pipeline.generating import encode_sources
from service.pipeline.row_outputs import expect_shape, finite
from service.pipeline.rows import classify_inputs, run_rows
from service.pipeline.stopwatch import Stopwatch
from service.pipeline.tokens import source_tokens


@dataclass(frozen=True, slots=True)
class _Source:
    """A text as a classifier reads it; no sentences if it is not hierarchical."""

    text: str
    tokens: tuple[TextToken, ...]
    sentence_ids: tuple[int, ...]


async def classify_on(
    version: LoadedVersion, call: ClassifyCall, *, batcher: Batcher, stopwatch: Stopwatch
) -> tuple[ClassifiedText, ...]:
    """Labels every text of a call with one version.

    Raises:
        ServiceError: The model is no classifier, the call breaks a limit of this version, or it
            could not be answered.
    """
    contract = version.contract
    if not contract.is_classifier:
        call_to_use = "Generate" if contract.image is None else "Caption"
        raise InvalidRequestError.of(
            "model", f"{version.key.name!r} writes texts and has no labels: use {call_to_use}"
        )
    with stopwatch.tokenizing():
        encoded = encode_sources(call.texts, version)
        sources = [
            _Source(text, tokens, _sentences(text, tokens, contract))
            for text, tokens in zip(call.texts, encoded, strict=True)
        ]
    answers = await run_rows(
        batcher,
        classify_target(version.key, contract, call.attention),
        [classify_inputs([t.id for t in source.tokens], source.sentence_ids) for source in sources],
        call=call,
        stopwatch=stopwatch,
    )
    with stopwatch.shaping_attention():
        return tuple(
            _read_result(source, answer.outputs, call=call, contract=contract)
            for source, answer in zip(sources, answers, strict=True)
        )


def _sentences(text: str, tokens: Sequence[TextToken], contract: Contract) -> tuple[int, ...]:
    limits = contract.sentences
    if limits is None:
        return ()
    return tuple(
        sentence_ids(text, tokens, max_count=limits.max_count, max_tokens=limits.max_tokens)
    )


def _read_result(
    source: _Source, outputs: Mapping[str, Array], *, call: ClassifyCall, contract: Contract
) -> ClassifiedText:
    probabilities = finite("probabilities", outputs["probabilities"])
    if probabilities.shape != (len(contract.labels),):
        raise ModelAnswerError(
            f"the model gave {probabilities.size} probabilities for {len(contract.labels)} labels"
        )
    order = np.argsort(-probabilities, kind="stable")[: call.max_labels]
    tokens = source_tokens(source.tokens)
    return ClassifiedText(
        labels=tuple(
            LabelProbability(contract.labels[place], float(probabilities[place])) for place in order
        ),
        source_tokens=tokens,
        attention=None
        if call.attention is AttentionLevel.NONE
        else _read_attention(
            source,
            tokens,
            outputs,
            level=call.attention,
            hop_count=contract.attention[0].head_count,
        ),
    )


def _read_attention(
    source: _Source,
    tokens: tuple[Token, ...],
    outputs: Mapping[str, Array],
    *,
    level: AttentionLevel,
    hop_count: int,
) -> SourceAttention:
    length = len(tokens)
    expect_shape(outputs, ATTENTION_OUTPUT, (length,))
    weights = finite(ATTENTION_OUTPUT, outputs[ATTENTION_OUTPUT][:length])
    sentences = _read_sentences(source, outputs)
    if level is AttentionLevel.WORDS:
        axis = word_axis(source.text, tokens)
        return SourceAttention(
            axis.words, _within_one(sums_over_words(weights, axis.shares)), sentences=sentences
        )
    if level is not AttentionLevel.HEADS:
        return SourceAttention(tokens, weights, sentences=sentences)
    expect_shape(outputs, ATTENTION_HEADS_OUTPUT, (hop_count, length))
    heads = tuple(
        AttentionHead(0, index, finite(ATTENTION_HEADS_OUTPUT, hop[:length]))
        for index, hop in enumerate(outputs[ATTENTION_HEADS_OUTPUT][:hop_count])
    )
    return SourceAttention(tokens, weights, heads, sentences)


def _within_one(weights: FloatArray) -> FloatArray:
    """Sums of weights, which rounding may lift a little above 1."""
    return np.minimum(weights, 1.0, dtype=np.float32)


def _read_sentences(source: _Source, outputs: Mapping[str, Array]) -> tuple[SentenceWeight, ...]:
    if not source.sentence_ids:
        return ()
    count = source.sentence_ids[-1] + 1
    expect_shape(outputs, SENTENCE_ATTENTION_OUTPUT, (count,))
    weights = finite(SENTENCE_ATTENTION_OUTPUT, outputs[SENTENCE_ATTENTION_OUTPUT][:count])
    members: list[list[TextToken]] = [[] for _ in range(count)]
    for token, sentence in zip(source.tokens, source.sentence_ids, strict=True):
        members[sentence].append(token)
    return tuple(
        SentenceWeight(tokens[0].begin, max(token.end for token in tokens), float(weight))
        for tokens, weight in zip(members, weights, strict=True)
    )
