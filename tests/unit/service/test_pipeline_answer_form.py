"""Answers in the form that a call asks for."""

from __future__ import annotations

import numpy as np
import pytest

from service.domain.answers import (
    AlignedPair,
    Attention,
    AttentionHead,
    FinishReason,
    Hypothesis,
    Packing,
    TextResult,
    Token,
    TokenKind,
)
from service.domain.requests import AlignmentOptions, AnswerForm
from service.domain.signatures import AttentionLevel
from service.pipeline.answer_form import in_form, level_of_model

SOURCE = "the cat"
SOURCE_TOKENS = (
    Token(5, "the", 0, 3, TokenKind.TEXT),
    Token(6, "ca", 4, 6, TokenKind.TEXT),
    Token(7, "t", 6, 7, TokenKind.TEXT),
)
TARGET = "chat le"
TARGET_TOKENS = (
    Token(8, "chat", 0, 4, TokenKind.TEXT, -1.0),
    Token(9, "le", 5, 7, TokenKind.TEXT, -1.0),
    Token(3, "", 7, 7, TokenKind.END, -1.0),
)
WEIGHTS = np.array([[0.2, 0.4, 0.4], [0.6, 0.3, 0.1], [0.0, 0.0, 1.0]], np.float32)


@pytest.fixture
def result() -> TextResult:
    attention = Attention(TARGET_TOKENS, SOURCE_TOKENS, WEIGHTS, (AttentionHead(0, 1, WEIGHTS),))
    hypothesis = Hypothesis(TARGET, -3.0, TARGET_TOKENS, FinishReason.END, attention)
    return TextResult(SOURCE_TOKENS, (hypothesis,))


def formed(result: TextResult, level: AttentionLevel, **form: object) -> Hypothesis:
    return in_form(result, SOURCE, level=level, form=AnswerForm(**form)).hypotheses[0]


def test_pieces_pass_as_they_are(result: TextResult) -> None:
    for level in (AttentionLevel.PIECES, AttentionLevel.HEADS):
        assert in_form(result, SOURCE, level=level, form=AnswerForm()) is result


def test_words_replace_pieces(result: TextResult) -> None:
    attention = formed(result, AttentionLevel.WORDS).attention
    assert [token.text for token in attention.source_tokens] == ["the", "cat"]
    assert [token.text for token in attention.target_tokens] == ["chat", "le", ""]
    expected = [[0.2, 0.8], [0.6, 0.4], [0.0, 1.0]]
    np.testing.assert_allclose(attention.weights, expected, atol=1e-6)


def test_heads_can_be_of_words_too(result: TextResult) -> None:
    plain = formed(result, AttentionLevel.HEADS, packing=Packing(top_weights=1)).attention
    assert plain.heads[0].weights.shape == (3, 3)
    words = formed(result, AttentionLevel.HEADS, heads_of_words=True).attention
    assert words.heads[0].weights.shape == words.weights.shape == (3, 2)
    assert (words.heads[0].layer_index, words.heads[0].head_index) == (0, 1)


def test_an_alignment_needs_no_attention_in_the_answer(result: TextResult) -> None:
    form = AnswerForm(alignment=AlignmentOptions())
    assert level_of_model(AttentionLevel.NONE, form) is AttentionLevel.PIECES
    assert level_of_model(AttentionLevel.NONE, AnswerForm()) is AttentionLevel.NONE
    assert level_of_model(AttentionLevel.HEADS, form) is AttentionLevel.HEADS
    hypothesis = formed(result, AttentionLevel.NONE, alignment=AlignmentOptions())
    assert hypothesis.attention is None
    alignment = hypothesis.alignment
    assert alignment.source_words == ((0, 3), (4, 7))
    assert alignment.target_words == ((0, 4), (5, 7))
    assert [(pair.source_index, pair.target_index) for pair in alignment.pairs] == [(1, 0), (0, 1)]
    assert alignment.pairs[0].weight == pytest.approx(0.8)


def test_light_pairs_are_left_out(result: TextResult) -> None:
    alignment = formed(result, AttentionLevel.NONE, alignment=AlignmentOptions(0.7)).alignment
    assert [pair.target_index for pair in alignment.pairs] == [0]
    assert len(alignment.target_words) == 2


def test_a_word_without_weight_has_no_pair_and_of_equal_weights_the_earlier_counts() -> None:
    weights = np.array([[0.0, 0.0, 0.0], [0.5, 0.25, 0.25], [1, 0, 0]], np.float32)
    attention = Attention(TARGET_TOKENS, SOURCE_TOKENS, weights)
    hypothesis = Hypothesis(TARGET, -3.0, TARGET_TOKENS, FinishReason.END, attention)
    result = TextResult(SOURCE_TOKENS, (hypothesis,))
    alignment = formed(result, AttentionLevel.NONE, alignment=AlignmentOptions()).alignment
    assert alignment.pairs == (AlignedPair(0, 1, 0.5),)


def test_the_packing_travels_with_the_weights(result: TextResult) -> None:
    packing = Packing(top_weights=2)
    assert formed(result, AttentionLevel.WORDS, packing=packing).attention.packing == packing
