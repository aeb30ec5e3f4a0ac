"""Texts with pieces, and weights between them, for property tests."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import strategies as st

from service.domain.answers import Token, TokenKind

Weights = np.ndarray


@st.composite
def cut_texts(draw: st.DrawFn, *, scored: bool = False) -> tuple[str, tuple[Token, ...]]:
    """A text, and it cut into pieces that may reach over spaces; some stand for nothing visible."""
    text = draw(st.text(st.sampled_from("ab \u6771."), min_size=1, max_size=12))
    cuts = draw(st.lists(st.integers(0, len(text)), max_size=8))
    bounds = [0, *sorted(cuts), len(text)]
    pieces = []
    for begin, end in itertools.pairwise(bounds):
        score = draw(st.floats(-9, 0)) if scored else None
        pieces.append(Token(5, text[begin:end], begin, end, TokenKind.TEXT, score))
    if scored and draw(st.booleans()):
        pieces.append(Token(3, "", len(text), len(text), TokenKind.END, -0.5))
    return text, tuple(pieces)


def rows_that_sum_to_1(row_count: int, column_count: int, seed: int) -> Weights:
    """Random weights, float32; every row sums to 1."""
    random = np.random.default_rng(seed)
    return random.dirichlet(np.full(column_count, 0.5), row_count).astype(np.float32)
