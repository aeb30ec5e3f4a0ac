"""Answers of the client, made by hand."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from heed.client import (
    Attention,
    Caption,
    CaptionResult,
    ClassifyResult,
    FinishReason,
    GenerateResult,
    Hypothesis,
    ImageAttention,
    ImageGrid,
    LabelProbability,
    ModelVersion,
    ScoreResult,
    SentenceWeight,
    SourceAttention,
    Timings,
    Token,
    TokenKind,
)
from tests.support.client import make_tokens

MODEL = ModelVersion("upper", 7)


def make_hypothesis(attention: Attention | None = None) -> Hypothesis:
    """Two tokens, of which the first is more probable."""
    tokens = (Token(4, "A", 0, 1, score=-0.5), Token(5, "B", 1, 2, score=-1.0))
    return Hypothesis("AB", -1.5, tokens, FinishReason.END, attention)


def make_answer(attention: Attention | None = None) -> GenerateResult:
    """The answer to a text with markup in it."""
    tokens = make_tokens("a", "<", "b")
    return GenerateResult("a<b", tokens, (make_hypothesis(attention),), MODEL, Timings())


def make_score(attention: Attention | None = None) -> ScoreResult:
    """The score of two tokens."""
    hypothesis = make_hypothesis(attention)
    return ScoreResult("ab", make_tokens("a", "b"), hypothesis, MODEL, Timings())


def make_classified(*, with_attention: bool = True) -> ClassifyResult:
    """Two words in a sentence, and two labels."""
    weights = np.array([0.75, 0.25], np.float32)
    tokens = (Token(4, "good", 0, 4), Token(5, "film", 5, 9))
    sentences = (SentenceWeight(0, 9, 1.0),)
    attention = SourceAttention("good film", tokens, weights, None, sentences)
    labels = (LabelProbability("positive", 0.9), LabelProbability("negative", 0.1))
    shown = attention if with_attention else None
    return ClassifyResult("good film", labels, tokens, shown, MODEL, Timings())


def make_caption(*, with_attention: bool = True, image: bytes | None = None) -> CaptionResult:
    """A picture of 8 x 4 pixels in which "1" was seen on the left, and the end on the right."""
    grid = ImageGrid(8, 4, column_count=2, row_count=1, cell_width=4.0, cell_height=4.0)
    tokens = (Token(4, "1", 0, 1, score=-0.5), Token(3, "", 1, 1, TokenKind.END, score=-1.0))
    weights = np.array([[[0.75, 0.25]], [[0.0, 1.0]]], np.float32)
    file = make_png(8, 4) if image is None else image
    attention = ImageAttention(tokens, grid, weights, image=file) if with_attention else None
    caption = Caption("1", -1.5, tokens, FinishReason.END, attention)
    return CaptionResult((caption,), grid, MODEL, Timings())


def make_png(width: int, height: int) -> bytes:
    """A white picture."""
    content = io.BytesIO()
    Image.new("RGB", (width, height), (255, 255, 255)).save(content, "PNG")
    return content.getvalue()
