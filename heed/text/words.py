"""The words of a text, for attention and alignments."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

WordSpan = tuple[int, int]
"""Where a word begins and ends (exclusive), in Unicode code points."""

_RUN: Final = re.compile(r"[^\s\u200b]+")  # U+200B, the zero width space, separates words too
_LONE: Final = re.compile(
    "[\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"  # Han
    "\u3041-\u3096\u309d-\u309f\U0001b001-\U0001b11f\U0001b150-\U0001b152]"  # Hiragana
)
_ZERO_WIDTH_JOINER: Final = "\u200d"
_LONG_VOWEL: Final = "\u30fc"


def word_spans(text: str) -> tuple[WordSpan, ...]:
    """The words of a text, in order.

    A word is what stands between white space, punctuation included: "end." is one word and a dash
    between spaces is one too, so words are numbered as `text.split()` numbers them. Han and
    Hiragana are written without spaces: there every character is a word, as Unicode's default
    rules have it (UAX 29), with the marks on it and the punctuation beside it. Scripts whose words
    only a dictionary finds (Thai, Lao, Khmer, Myanmar) are not cut. A combining character is
    never parted from what it stands on.

    Example:
        >>> text = "Wait, 東京へ。"
        >>> [text[begin:end] for begin, end in word_spans(text)]
        ['Wait,', '東', '京', 'へ。']
    """
    spans: list[WordSpan] = []
    for run in _RUN.finditer(text):
        if run[0].isascii() or not _LONE.search(run[0]):
            spans.append(run.span())
            continue
        begins = [run.start() + place for place in _begins(run[0])]
        spans.extend(zip(begins, [*begins[1:], run.end()], strict=True))
    return tuple(spans)


def _begins(run: str) -> Iterator[int]:
    """Where words begin in a run without white space that holds lone characters."""
    yield 0
    was_lone = False  # whether the last letter was a lone one
    has_letter = False  # whether the word has one yet: punctuation before it belongs to it
    for place, character in enumerate(run):
        if _continues(run, place, was_lone=was_lone):
            continue
        is_lone = _LONE.match(character) is not None
        if _is_opening(character):
            begins = has_letter and (was_lone or _is_before_lone(run, place))
        else:
            begins = has_letter and (was_lone or is_lone)
        if begins:
            yield place
        has_letter = not _is_opening(character) or (has_letter and not begins)
        if not _is_opening(character):
            was_lone = is_lone


def _continues(run: str, place: int, *, was_lone: bool) -> bool:
    """Whether a character belongs to the one before it: marks, and punctuation that closes."""
    character = run[place]
    category = unicodedata.category(character)
    return (
        category.startswith("M")
        or character == _ZERO_WIDTH_JOINER
        or (place > 0 and run[place - 1] == _ZERO_WIDTH_JOINER)
        or (category.startswith("P") and not _is_opening(character))
        or (was_lone and character == _LONG_VOWEL)
    )


def _is_opening(character: str) -> bool:
    return unicodedata.category(character) in {"Ps", "Pi"}


def _is_before_lone(run: str, place: int) -> bool:
    """Whether the first character behind opening punctuation is a lone one."""
    rest = (character for character in run[place:] if not _is_opening(character))
    return _LONE.match(next(rest, "")) is not None
