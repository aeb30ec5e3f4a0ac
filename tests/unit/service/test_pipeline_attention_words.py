"""Attention between words, beside loops that say the same in plain Python."""

from __future__ import annotations

import functools
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heed.contract import SPECIAL_IDS
from heed.text import Tokenizer, TokenizerKind, TokenizerSettings, train_tokenizer
from heed.text.words import word_spans
from service.domain.answers import Attention, AttentionHead, Token, TokenKind
from service.pipeline.attention_words import attention_of_words, word_axis, words_of
from service.pipeline.tokens import source_tokens, target_tokens
from tests.support.axes import cut_texts, rows_that_sum_to_1


def share(text: str, piece: Token, place: int) -> float:
    """How much of a piece lies in a word, character by character."""
    spans = word_spans(text) or ((0, len(text)),)
    owners = [
        index
        for index, (begin, end) in enumerate(spans)
        for character in range(begin, end)
        if piece.begin <= character < piece.end
    ]
    if owners:
        return owners.count(place) / len(owners)
    behind = [index for index, (_, end) in enumerate(spans) if end > piece.begin]
    return float(place == (behind[0] if behind else len(spans) - 1))


@given(cut_texts(scored=True), cut_texts(), st.integers(0, 99))
def test_a_row_is_a_mean_and_a_column_a_sum(
    target: tuple[str, tuple[Token, ...]], source: tuple[str, tuple[Token, ...]], seed: int
) -> None:
    target_text, target_pieces = target
    source_text, source_pieces = source
    weights = rows_that_sum_to_1(len(target_pieces), len(source_pieces), seed)
    inner = [piece for piece in target_pieces if piece.kind is not TokenKind.END]
    expected = []
    for word in range(len(word_spans(target_text)) or 1):
        rows = [
            [
                sum(
                    float(weights[t, s]) * share(source_text, source_pieces[s], column)
                    for s in range(len(source_pieces))
                )
                for column in range(len(word_spans(source_text)) or 1)
            ]
            for t in range(len(inner))
            if share(target_text, inner[t], word) > 0
        ]
        expected.append(np.mean(rows, axis=0))
    target_axis = word_axis(target_text, target_pieces)
    source_axis = word_axis(source_text, source_pieces)
    spread = words_of(weights, target_axis, source_axis)
    assert spread.dtype == np.float32
    assert spread.shape == (len(target_axis.words), len(source_axis.words))
    np.testing.assert_allclose(spread[: len(expected)], expected, atol=1e-6)
    np.testing.assert_allclose(spread.sum(axis=1), 1.0, atol=1e-5)
    assert spread.max() <= 1


@given(cut_texts(scored=True))
def test_words_have_the_scores_of_their_pieces(cut: tuple[str, tuple[Token, ...]]) -> None:
    text, pieces = cut
    axis = word_axis(text, pieces)
    assert sum(word.score for word in axis.words) == pytest.approx(
        sum(piece.score for piece in pieces), abs=1e-5
    )
    for word in axis.words:
        assert text[word.begin : word.end] == word.text


def test_the_end_token_keeps_its_row_and_pieces_of_spaces_fall_to_the_word_behind() -> None:
    pieces = (
        Token(7, "", 0, 0, TokenKind.TEXT, -1.0),
        Token(8, "un", 0, 2, TokenKind.TEXT, -2.0),
        Token(9, "chat", 3, 7, TokenKind.TEXT, -3.0),
        Token(3, "", 7, 7, TokenKind.END, -4.0),
    )
    axis = word_axis("un chat", pieces)
    assert [(word.text, word.kind, word.score) for word in axis.words] == [
        ("un", TokenKind.WORD, -3.0),
        ("chat", TokenKind.WORD, -3.0),
        ("", TokenKind.END, -4.0),
    ]
    source = word_axis("a", [Token(5, "a", 0, 1, TokenKind.TEXT)])
    weights = np.array([[0.0], [1.0], [0.5], [0.25]], np.float32)
    assert words_of(weights, axis, source).tolist() == [[0.5], [0.5], [0.25]]


def test_a_word_that_the_tokenizer_dropped_is_attended_by_nothing() -> None:
    axis = word_axis("a \u00ad", [Token(5, "a", 0, 1, TokenKind.TEXT, -1.0)])
    assert len(axis.words) == 2
    spread = words_of(np.ones((1, 1), np.float32), axis, axis)
    assert spread.tolist() == [[1.0, 0.0], [0.0, 0.0]]


class WatchedArray(np.ndarray):
    """Knows what is computed with it."""

    used: ClassVar[set[str]] = set()

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        self.used.add(ufunc.__name__)
        return getattr(ufunc, method)(*(np.asarray(each) for each in inputs), **options)


def test_no_product_of_matrices_wakes_the_threads_of_blas() -> None:
    pieces = [Token(5, "ab", 0, 2, TokenKind.TEXT), Token(6, " cd", 2, 5, TokenKind.TEXT)]
    axis = word_axis("ab cd", pieces)
    weights = np.array([[0.75, 0.25], [0.5, 0.5]], np.float32)
    assert words_of(weights.view(WatchedArray), axis, axis).tolist() == weights.tolist()
    assert WatchedArray.used
    assert "matmul" not in WatchedArray.used


def test_every_head_is_spread_as_the_average_is() -> None:
    pieces = (Token(5, "a", 0, 1, TokenKind.TEXT), Token(6, "b", 1, 2, TokenKind.TEXT))
    axis = word_axis("ab", pieces)
    heads = tuple(AttentionHead(1, head, rows_that_sum_to_1(2, 2, head)) for head in range(3))
    attention = Attention(pieces, pieces, rows_that_sum_to_1(2, 2, 9), heads)
    spread = attention_of_words(attention, axis, axis)
    assert [(head.layer_index, head.head_index) for head in spread.heads] == [
        (1, 0),
        (1, 1),
        (1, 2),
    ]
    for before, after in zip(heads, spread.heads, strict=True):
        np.testing.assert_allclose(after.weights, words_of(before.weights, axis, axis), atol=1e-6)


@functools.cache
def subwords(kind: TokenizerKind) -> Tokenizer:
    texts = ["the cat sat on the mat", "a dog, the cats; and mats!", "東京 cafés ﬁnd ½", "été ça"]
    return Tokenizer(train_tokenizer(texts, TokenizerSettings(kind=kind, vocabulary_size=60)))


@given(
    st.text(max_size=60)
    | st.text(
        st.sampled_from("the cat\u200b\u3000\ufb01\u00bd\u0301\u6771\u00ad.\u2581"), max_size=60
    ),
    st.sampled_from([TokenizerKind.UNIGRAM, TokenizerKind.BPE, TokenizerKind.WORD]),
)
@settings(deadline=None)
def test_every_piece_of_any_text_falls_to_words_as_a_whole(text: str, kind: TokenizerKind) -> None:
    pieces = source_tokens(subwords(kind).encode(text))
    axis = word_axis(text, pieces)
    assert axis.shares.shape == (len(pieces), len(axis.words))
    np.testing.assert_allclose(axis.shares.sum(axis=1), np.ones(len(pieces)), atol=1e-6)
    for word in axis.words:
        assert text[word.begin : word.end] == word.text


@given(st.lists(st.integers(4, 59), max_size=20), st.booleans())
@settings(deadline=None)
def test_every_row_of_any_output_sums_to_what_it_did(ids: list[int], is_ended: bool) -> None:
    tokenizer = subwords(TokenizerKind.UNIGRAM)
    ids = [one % tokenizer.vocabulary_size for one in ids if one % tokenizer.vocabulary_size > 3]
    ids = [*ids, SPECIAL_IDS.end] if is_ended or not ids else ids
    text, tokens = target_tokens(tokenizer, ids, [-0.5] * len(ids))
    target = word_axis(text, tokens)
    source = word_axis("a b", source_tokens(tokenizer.encode("a b")))
    weights = rows_that_sum_to_1(len(tokens), len(source.shares), seed=len(ids))
    spread = words_of(weights, target, source)
    np.testing.assert_allclose(spread.sum(axis=1), 1.0, atol=1e-5)
    assert sum(word.score for word in target.words) == pytest.approx(-0.5 * len(ids))
