"""Attention spread from pieces to words. Pure.

Letters: T target pieces, S source pieces; capital words in brackets, [words], count words.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from heed.text.words import WordSpan, word_spans
from service.domain.answers import Attention, AttentionHead, Token, TokenKind
from service.domain.signatures import Array, FloatArray

WORD_ID: Final = 0
"""The id of a word, which has none of its own: that of padding."""


@dataclass(frozen=True, slots=True)
class WordAxis:
    """The words of a text, and how its pieces fall to them.

    Attributes:
        words: The words, then the end token if the pieces had one.
        shares: How much of each piece lies in each word, by code points, float32 [pieces, words];
            every row sums to 1.
    """

    words: tuple[Token, ...]
    shares: FloatArray


def word_axis(text: str, pieces: Sequence[Token]) -> WordAxis:
    """The words of a text that pieces stand for.

    A piece without visible characters falls to the word behind it, or to the last one. A text
    without any word is one word.

    Args:
        text: The text.
        pieces: Its pieces in order, the end token last if there is one.
    """
    closing = [piece for piece in pieces[-1:] if piece.kind is TokenKind.END]
    inner = pieces[: len(pieces) - len(closing)]
    spans = word_spans(text) or ((0, len(text)),) * bool(inner)
    shares = np.zeros((len(pieces), len(spans) + len(closing)), np.float32)
    ends = [end for _, end in spans]
    for row, piece in enumerate(inner):
        first = min(bisect.bisect_right(ends, piece.begin), len(spans) - 1)
        for column, share in _shares(spans, piece, first):
            shares[row, column] = share
    if closing:
        shares[-1, -1] = 1.0
    scores = _word_scores(inner, shares[: len(inner)])
    words = [
        Token(WORD_ID, text[begin:end], begin, end, TokenKind.WORD, score)
        for (begin, end), score in zip(spans, scores, strict=False)
    ]
    return WordAxis((*words, *closing), shares)


def words_of(weights: FloatArray, target: WordAxis, source: WordAxis) -> FloatArray:
    """Weights of pieces as weights of words.

    A target word's row is the mean of its pieces' rows, a source word's column the sum of its
    pieces' columns (Clark et al. 2019, 4.1), so rows that sum to 1 still do. A source piece that
    reaches into several words is divided among them; a target piece counts for each of its words.

    Args:
        weights: float32 [..., T, S].
        target: The axis of the T pieces.
        source: The axis of the S pieces.

    Returns:
        float32 [..., target words, source words].
    """
    spread = rows_of_words(sums_over_words(weights, source.shares), target)
    return np.minimum(spread, np.float32(1))  # sums may round to a little more


def rows_of_words(weights: FloatArray, target: WordAxis) -> FloatArray:
    """Weights whose rows are pieces as weights whose rows are words: the mean of a word's pieces.

    Args:
        weights: float32 [..., T, S].
        target: The axis of the T pieces.

    Returns:
        float32 [..., target words, S].
    """
    belongs = (target.shares > 0).astype(np.float32)
    means = belongs / np.maximum(belongs.sum(axis=0), np.float32(1))
    return np.swapaxes(sums_over_words(np.swapaxes(weights, -1, -2), means), -1, -2)


def sums_over_words(values: Array, shares: FloatArray) -> Array:
    """`values @ shares` by the few shares that are not 0.

    A product of matrices wakes the threads of BLAS, and on a busy machine waits for them a
    hundred times as long as it computes, while everybody else waits for the event loop.

    Args:
        values: float [..., pieces].
        shares: float32 [pieces, words].

    Returns:
        [..., words], of the type of the values.
    """
    words, pieces = np.nonzero(shares.T)
    found, begins = np.unique(words, return_index=True)
    sums = np.zeros((*values.shape[:-1], shares.shape[1]), values.dtype)
    parts = values[..., pieces] * shares[pieces, words]
    sums[..., found] = np.add.reduceat(parts, begins, axis=-1)
    return sums


def attention_of_words(attention: Attention, target: WordAxis, source: WordAxis) -> Attention:
    """Attention between pieces as attention between words, the heads' too."""
    heads = attention.heads
    if heads:
        stacked = words_of(np.stack([head.weights for head in heads]), target, source)
        heads = tuple(
            AttentionHead(head.layer_index, head.head_index, weights)
            for head, weights in zip(heads, stacked, strict=True)
        )
    weights = words_of(attention.weights, target, source)
    return Attention(target.words, source.words, weights, heads)


def _shares(spans: Sequence[WordSpan], piece: Token, first: int) -> Sequence[tuple[int, float]]:
    """The words that a piece lies in, each with its share of the piece."""
    overlaps = []
    for column in range(first, len(spans)):
        begin, end = spans[column]
        if begin >= piece.end:
            break
        overlaps.append((column, min(end, piece.end) - max(begin, piece.begin)))
    total = sum(overlap for _, overlap in overlaps if overlap > 0)
    if total == 0:
        return [(first, 1.0)]
    return [(column, overlap / total) for column, overlap in overlaps if overlap > 0]


def _word_scores(pieces: Sequence[Token], shares: FloatArray) -> list[float | None]:
    """The sum of each word's pieces' scores; None for source words."""
    scores = [piece.score for piece in pieces if piece.score is not None]
    if len(scores) < len(pieces) or not scores:
        return [None] * shares.shape[1]
    return list(sums_over_words(np.array(scores), shares).tolist())
