"""Text into sentences, by its characters alone. Pure.

ends of sentences        . ! ? … and their like, closing quotes and brackets after them counted;
                         before white space, or anywhere where a script writes without spaces
always                   an empty line
not                      after abbreviations, initials and numbers of a list, nor before a small
                         letter if the text has capitals at all
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_MARKS: Final = ".!?…؟۔।॥։።។။"
_CLOSERS: Final = "\"'”’»›)]」』）】》〉｣"
_OPENERS: Final = "\"'“‘«‹([¿¡„‚—–- "
# Every run of marks is looked at from its start alone, and without going back: a text of nothing
# but marks, or of nothing but white space, must not take long.
_BOUNDARY: Final = re.compile(
    rf"""
      [。！？｡]++(?P<unspaced>[{re.escape(_CLOSERS)}]*+)\s*+      # no space is needed behind these
    | (?<![{_MARKS}])(?P<marks>[{_MARKS}]++)(?P<closers>[{re.escape(_CLOSERS)}]*+)\s++
    | \n[^\S\n]*+\n\s*+
    """,
    re.VERBOSE,
)
_WORD: Final = re.compile(r"\w")
_HIRAGANA: Final = re.compile(r"[ぁ-ゖ]")
_DOTTED: Final = re.compile(r"(?:\w\.)+\w")
_LONGEST_WORD: Final = 24
"""So many characters before a full stop are looked at; no abbreviation is longer."""

_BEFORE_MORE: Final = frozenset(
    re.findall(
        r"\S+",
        """
    mr mrs ms dr prof st mt messrs mme mlle rev hon gen col lt sgt capt cmdr adm gov sen rep pres
    fig figs eq eqs no nos vol vols pp p ch sec ed eds art nr bd hr fr str abb tab vgl cf vs v
    viz al approx ca etw bzw ggf evtl bspw sog resp geb gest e.g i.e z.b d.h u.a
    jan feb mar apr jun jul aug sep sept oct nov dec
        """,
    )
)
"""Abbreviations that stand before what they belong to: a sentence hardly ever ends with one."""


@dataclass(frozen=True, slots=True)
class TextSpan:
    """A part of a text, in Unicode code points from the text's start.

    Attributes:
        begin: Where it begins.
        end: Where it ends (exclusive).
    """

    begin: int
    end: int

    def of(self, text: str) -> str:
        """The characters."""
        return text[self.begin : self.end]


def split_sentences(text: str) -> list[TextSpan]:
    """The sentences of a text, in order; none of an empty one.

    Together they are the text: white space goes to the sentence before it, at the start to the
    first one.

    Example:
        >>> text = 'Dr. Who came. "Really?" he asked. 本当。そう。'
        >>> [span.of(text) for span in split_sentences(text)]
        ['Dr. Who came. ', '"Really?" he asked. ', '本当。', 'そう。']
    """
    cuts = [0, *_cuts(text), len(text)] if text else []
    return [TextSpan(begin, end) for begin, end in itertools.pairwise(cuts)]


def _cuts(text: str) -> Iterator[int]:
    """Where sentences begin, but for the first. None is without a word."""
    has_capitals = any(character.isupper() for character in text)
    word_begin = _next_word(text, 0)
    for match in _BOUNDARY.finditer(text):
        if match.end() == len(text) or word_begin >= match.start():
            continue
        if _ends_sentence(match, text, word_begin, has_capitals=has_capitals):
            yield match.end()
            word_begin = _next_word(text, match.end())


def _next_word(text: str, position: int) -> int:
    word = _WORD.search(text, position)
    return len(text) if word is None else word.start()


def _ends_sentence(match: re.Match[str], text: str, word_begin: int, *, has_capitals: bool) -> bool:
    """Whether a sentence ends here.

    Args:
        match: The end that it may have.
        text: The whole text.
        word_begin: Where the sentence's first word begins.
        has_capitals: Whether the text has capitals at all.
    """
    marks, closers = match["marks"], match["closers"] or match["unspaced"]
    if marks is None:  # in Japanese, what follows a quotation may belong to it
        return not (closers and _HIRAGANA.match(text, match.end()))
    if match[0].count("\n") > 1:
        return True
    follower = text[match.end() : match.end() + 4].lstrip(_OPENERS)[:1]
    is_question = marks[-1] in "!?" and not closers
    if follower and follower in _MARKS:
        return False
    if follower.islower() and has_capitals and not is_question:
        return False
    return marks != "." or bool(closers) or not _is_abbreviated(text, word_begin, match.start())


def _is_abbreviated(text: str, word_begin: int, stop: int) -> bool:
    """Whether the full stop at `stop` belongs to the word before it."""
    words = text[max(word_begin, stop - _LONGEST_WORD) : stop].split()
    word = words[-1].lstrip(_OPENERS) if words else ""
    if word.isdecimal():  # the number of an item in a list
        return stop - len(word) == word_begin
    is_initial = len(word) == 1 and word.isupper() and word != "I"
    is_small_dotted = bool(_DOTTED.fullmatch(word)) and word.islower()
    is_time = word.lower() in {"a.m", "p.m"}
    return is_initial or (is_small_dotted and not is_time) or word.lower() in _BEFORE_MORE
