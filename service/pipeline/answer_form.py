"""Results in the form that a call asks for: words, alignments, packing. Pure."""

from __future__ import annotations

import dataclasses

from service.domain.answers import Attention, Hypothesis, TextResult
from service.domain.requests import AnswerForm, GenerateOptions
from service.domain.signatures import AttentionLevel
from service.pipeline.alignments import align_words
from service.pipeline.attention_words import (
    WordAxis,
    attention_of_words,
    word_axis,
    words_of,
)


def level_of_model(level: AttentionLevel, form: AnswerForm) -> AttentionLevel:
    """How much attention the model must give for what the answer tells."""
    if level is AttentionLevel.NONE and form.alignment is not None:
        return AttentionLevel.PIECES
    return level


def level_of_decoding(options: GenerateOptions) -> AttentionLevel:
    """How much attention the model must give while it decodes."""
    level = level_of_model(options.attention, options.form)
    if level is AttentionLevel.NONE and options.replace_unknown:
        return AttentionLevel.PIECES
    return level


def in_form(
    result: TextResult, source_text: str, *, level: AttentionLevel, form: AnswerForm
) -> TextResult:
    """A result whose attention is between pieces, as the caller asked for it.

    Args:
        result: The result, with the attention that `level_of_model` asks for.
        source_text: The text that was asked.
        level: How much attention the answer carries.
        form: What it tells beside.
    """
    is_plain = level in (AttentionLevel.NONE, AttentionLevel.PIECES, AttentionLevel.HEADS)
    if is_plain and form == AnswerForm():
        return result
    source = word_axis(source_text, result.source_tokens)
    hypotheses = (
        _formed(hypothesis, source, level=level, form=form) for hypothesis in result.hypotheses
    )
    return dataclasses.replace(result, hypotheses=tuple(hypotheses))


def _formed(
    hypothesis: Hypothesis, source: WordAxis, *, level: AttentionLevel, form: AnswerForm
) -> Hypothesis:
    attention = hypothesis.attention
    if attention is None:
        return hypothesis
    target = word_axis(hypothesis.text, hypothesis.tokens)
    alignment = None
    if form.alignment is not None:
        weights = words_of(attention.weights, target, source)
        alignment = align_words(weights, target, source, min_weight=form.alignment.min_weight)
    shown = _shown(attention, target, source, level=level, form=form)
    return dataclasses.replace(hypothesis, attention=shown, alignment=alignment)


def _shown(
    attention: Attention,
    target: WordAxis,
    source: WordAxis,
    *,
    level: AttentionLevel,
    form: AnswerForm,
) -> Attention | None:
    if level is AttentionLevel.NONE:
        return None
    if level is AttentionLevel.WORDS or form.heads_of_words:
        attention = attention_of_words(attention, target, source)
    return dataclasses.replace(attention, packing=form.packing)
