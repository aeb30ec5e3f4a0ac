"""Texts of drawn lengths from a list of words, and texts from a file."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Final

from loadtest.texts.lengths import LengthKind, load_lengths

_WORDS: Final = (
    *("a", "the", "in", "is", "of", "and", "on", "with", "are", "at", "to", "man", "two", "woman"),
    *("people", "shirt", "girl", "young", "white", "black", "while", "his", "an", "her", "boy"),
    *("blue", "street", "red", "dog", "three", "playing", "sitting", "standing", "walking"),
    *("group", "one", "wearing", "water", "green", "old", "down", "by", "near", "front", "child"),
    *("small", "yellow", "from", "ball", "grass", "bicycle", "running", "men", "large"),
    *("holding", "women", "park", "looking", "hat", "through", "over", "field", "beach", "next"),
    *("jacket", "sidewalk", "up", "orange", "camera", "wall", "brown", "road", "outside", "hair"),
    *("table", "music", "guitar", "snow", "building", "horse", "city", "children", "car", "tree"),
    *("rain", "bridge", "market", "window", "river", "teacher", "letter", "kitchen", "mountain"),
)
"""Everyday words, the frequent ones first."""

_ONSETS: Final = ("b", "ch", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "st", "t", "tr")
_VOWELS: Final = ("a", "e", "i", "o", "u", "ea", "ou")
_CODAS: Final = ("", "", "l", "n", "r", "s", "t", "ck", "ng")


def make_texts(kind: LengthKind | str, count: int, *, seed: int = 1) -> list[str]:
    """Texts with the lengths of real ones; the same for the same arguments.

    Args:
        kind: What they are like.
        count: How many, 1 or more.
        seed: Decides what is drawn.

    Raises:
        ValueError: There is no such kind, or the count is below 1.
    """
    if count < 1:
        raise ValueError(f"count is {count}; expected 1 or more")
    random = Random(f"texts:{seed}")
    lengths = load_lengths(kind).draw(random, count)
    if LengthKind(kind) is LengthKind.WORDS:
        return [_made_word(random, length) for length in lengths]
    return [_sentence(random, length) for length in lengths]


def read_texts(path: Path) -> list[str]:
    """The texts of a file, one a line; blank lines are left out.

    Raises:
        ValueError: The file cannot be read, or holds no text.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read texts from {path}: {error}") from error
    texts = [line.strip() for line in lines if line.strip()]
    if not texts:
        raise ValueError(f"{path} holds no text; expected one a line")
    return texts


def _sentence(random: Random, length: int) -> str:
    """So many words; the nth comes about as often as 1 / (n + 3)."""
    weights = [1 / (rank + 3) for rank in range(len(_WORDS))]
    return " ".join(random.choices(_WORDS, weights, k=length))


def _made_word(random: Random, length: int) -> str:
    """A word that could exist, of so many letters."""
    syllables: list[str] = []
    while sum(map(len, syllables)) < length:
        syllables += [random.choice(_ONSETS), random.choice(_VOWELS), random.choice(_CODAS)]
    return "".join(syllables)[:length]
