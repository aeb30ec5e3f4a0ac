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
    for font in sorted(font_manager.fontManager.ttflist, key=lambda font: font.name):
        if not missing:
            break
        if font.name in families or font.name.startswith(_UNSUITABLE) or font.style != "normal":
            continue
        found = missing & _characters_of(font.fname)
        if found:
            families.append(font.name)
            missing -= found
    return families, frozenset(missing)


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
