"""Fonts for labels in any script, and what to write where no installed font has a character."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Final

from matplotlib import font_manager

_FIRST_FAMILY: Final = "DejaVu Sans"  # comes with matplotlib
_UNSUITABLE: Final = ("Last Resort", "STIX", "cm", "Noto Color Emoji", "Apple Color Emoji")


def families_for(texts: Iterable[str]) -> tuple[list[str], frozenset[str]]:
    """The font families that together draw the texts, and the characters that none of them has.

    Fonts beside the one that comes with matplotlib are only looked at when a character needs it.
    """
    families = [_FIRST_FAMILY]
    missing = {character for text in texts for character in text}
    missing -= _characters_of(font_manager.findfont(_FIRST_FAMILY))
    missing.discard("\n")
    for name in _regular_families():
        if not missing:
            break
        # The face that matplotlib would draw with: the bold one may have other characters.
        found = missing & _characters_of(font_manager.findfont(name))
        if found:
            families.append(name)
            missing -= found
    return families, frozenset(missing)


def _regular_families() -> list[str]:
    """The other installed families that have a regular face, by name."""
    return sorted(
        {
            font.name
            for font in font_manager.fontManager.ttflist
            if font.weight in (400, "normal", "regular")
            and (font.style, font.stretch) == ("normal", "normal")
            and font.name != _FIRST_FAMILY
            and not font.name.startswith(_UNSUITABLE)
        }
    )


def with_code_points(text: str, missing: frozenset[str]) -> str:
    """The text with each missing character written as its code point, for example "U+6CE8"."""
    spelt = (f"U+{ord(letter):04X} " if letter in missing else letter for letter in text)
    return "".join(spelt).rstrip() if missing else text


@functools.lru_cache(maxsize=512)
def _characters_of(font_path: str) -> frozenset[str]:
    try:
        return frozenset(map(chr, font_manager.get_font(font_path).get_charmap()))
    except (OSError, RuntimeError):  # a broken font, or one of a kind that FreeType refuses
        return frozenset()
