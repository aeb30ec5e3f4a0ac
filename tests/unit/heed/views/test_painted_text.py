"""A text painted by what a classifier looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

from heed.client import SentenceWeight, SourceAttention
from heed.views.errors import PlotError
from heed.views.painted_text import painted_text
from heed.views.picture import save_picture
from heed.views.text_picture import draw_painted_text
from tests.support.client import make_tokens


def attention(
    words: list[str], weights: list[float], *, sentences: tuple[SentenceWeight, ...] = ()
) -> SourceAttention:
    """Words with single spaces between them."""
    tokens, begin = [], 0
    for word in words:
        (token,) = make_tokens(word)
        tokens.append(type(token)(token.id, word, begin, begin + len(word)))
        begin += len(word) + 1
    array = np.array(weights, np.float32)
    return SourceAttention(" ".join(words), tuple(tokens), array, sentences=sentences)


def test_the_strongest_word_has_the_darkest_mark() -> None:
    painted = painted_text(attention(["play", "a", "song"], [0.6, 0.02, 0.38]), marks=True)
    line, marks, legend = painted.plain.split("\n")
    assert line == "play a song"
    assert marks == "████   ▓▓▓▓"
    assert legend == "weight  ░  0.03+   ▒  0.15+   ▓  0.3+   █  0.45+"


def test_ascii_is_enough_to_see_it() -> None:
    shown = painted_text(attention(["ab", "c"], [0.9, 0.1]), marks=True, ascii_only=True).plain
    assert shown.split("\n")[:2] == ["ab c", "## ."]
    assert shown.isascii()


def test_without_marks_colour_says_it() -> None:
    painted = painted_text(attention(["ab", "c"], [0.9, 0.1]))
    assert painted.plain.split("\n")[0] == "ab c"
    assert len(painted.plain.split("\n")) == 2
    assert any("bgcolor" in repr(span.style) or span.style for span in painted.spans)


def test_sentences_begin_lines_with_their_weights() -> None:
    sentences = (SentenceWeight(0, 9, 0.25), SentenceWeight(10, 13, 0.75))
    painted = painted_text(
        attention(["It", "pours.", "Why"], [0.05, 0.2, 0.75], sentences=sentences)
    )
    assert painted.plain.split("\n")[:2] == ["  25%  It pours.", "  75%  Why"]


@pytest.mark.parametrize("width", [10, 17, 40])
def test_lines_fit_and_hold_every_word(width: int) -> None:
    words = ["attention", "注意机制", "is", "x" * 30, "", "naïve"]
    painted = painted_text(attention(words, [0.2] * 6), width=width, marks=True)
    lines = painted.plain.split("\n")[:-1]
    assert max(map(cell_len, lines)) <= width
    assert "".join(lines[::2]).replace(" ", "") == "".join(words)


def test_line_ends_of_a_text_do_not_reach_the_terminal() -> None:
    shown = painted_text(SourceAttention("a\x1b[2J\nb", make_tokens("a"), np.ones(1, np.float32)))
    assert "\x1b" not in shown.plain
    assert shown.plain.count("\n") == 1


def test_a_text_is_printed_with_marks() -> None:
    assert str(attention(["yes", "no"], [0.9, 0.1])).startswith("yes no\n███ ░░\n")


def test_weights_of_0_alone_paint_nothing() -> None:
    assert painted_text(attention(["a"], [0.0]), marks=True).plain.startswith("a\n\n")


def test_a_picture_is_written(tmp_path: Path) -> None:
    sentences = (SentenceWeight(0, 9, 0.25), SentenceWeight(10, 13, 0.75))
    one = attention(["It", "pours.", "Why"] + ["long"] * 60, [0.05] * 63, sentences=sentences)
    figure = one.plot(tmp_path / "words.png", title="GetWeather")
    assert (tmp_path / "words.png").stat().st_size > 1000
    shown = [text.get_text() for text in figure.texts]
    assert shown[:3] == ["25%", "It", "pours."]
    assert "GetWeather" in shown


def test_a_picture_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlotError, match="must end with"):
        save_picture(draw_painted_text(attention(["a"], [1.0])), tmp_path / "a.bmp")
