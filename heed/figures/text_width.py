"""How wide a text is drawn, without asking a font."""

from __future__ import annotations

import unicodedata
from typing import Final

_EM_OF_CHARACTER: Final = 0.6
_EM_OF_WIDE_CHARACTER: Final = 1.0
_WIDTHLESS: Final = {"Mn", "Me", "Cf"}


def text_width(text: str, size: float) -> float:
    """About how wide a text is at a font size, in the unit of the size; rather too wide."""
    return size * sum(map(_em, text))


def shortened(text: str, most: float, size: float) -> str:
    """The text, cut with "…" where it is wider than `most`; combining characters stay."""
    if text_width(text, size) <= most:
        return text
    used, end = size * _EM_OF_CHARACTER, 0
    while end < len(text) and used + size * _em(text[end]) <= most:
        used += size * _em(text[end])
        end += 1
    while end < len(text) and _em(text[end]) == 0:
        end += 1
    return text[: max(end, 1)] + "…"


def _em(character: str) -> float:
    if unicodedata.category(character) in _WIDTHLESS:
        return 0.0
    wide = unicodedata.east_asian_width(character) in {"W", "F"}
    return _EM_OF_WIDE_CHARACTER if wide else _EM_OF_CHARACTER
