"""Texts that somebody else wrote, made safe to show."""

from __future__ import annotations

import unicodedata
from typing import Final

_INVISIBLE: Final = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_KEPT: Final = {"\u200c", "\u200d"}  # joiners shape words of several scripts


def visible(text: str) -> str:
    """The text on one line, with white space and control characters made visible.

    A terminal obeys control characters; a text that someone else wrote must not reach it raw.
    """
    return "".join(_visible_character(character) for character in text)


def one_line(text: str) -> str:
    """The text with control characters and line ends replaced by spaces."""
    return "".join(
        " " if unicodedata.category(character) in {"Cc", "Zl", "Zp"} else character
        for character in text
    )


def _visible_character(character: str) -> str:
    if character == " ":
        return "␣"
    if character not in _KEPT and unicodedata.category(character) in _INVISIBLE:
        return f"\\x{ord(character):02x}" if ord(character) < 256 else f"U+{ord(character):04X}"
    return character
