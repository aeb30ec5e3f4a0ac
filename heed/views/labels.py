"""What is written beside the rows and columns of an attention map."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

from heed.client.results import Token, TokenKind

END_LABEL: Final = "<end>"

_INVISIBLE: Final = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_KEPT: Final = {"\u200c", "\u200d"}  # joiners shape words of several scripts


def token_label(token: Token) -> str:
    """A token's label: its text, `<end>`, or its text with "?" if the model does not know it."""
    if token.kind is TokenKind.END:
        return END_LABEL
    text = visible(token.text) or "''"
    return f"{text}?" if token.kind is TokenKind.UNKNOWN else text


def token_labels(tokens: Iterable[Token]) -> list[str]:
    """The label of every token, in order."""
    return [token_label(token) for token in tokens]


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
