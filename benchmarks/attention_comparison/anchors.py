"""Links between letters and phonemes that are beyond doubt, and how well attention finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from model_export.data.examples import Example, Link
from model_export.evaluation.alignment import Pairs, alignment_error_rate

LETTERS: Final = {
    "B": "b",
    "D": "d",
    "F": "f",
    "L": "l",
    "M": "m",
    "N": "n",
    "P": "p",
    "R": "r",
    "V": "v",
}
"""Phonemes that English writes with a letter of their own.

Others are left out because another letter may write them: `T` in "walked", `K` in "quick", `S` in
"city", `Z` in "roses", `G` in "exact", `W` in "queen", `HH` in "who", `JH`, `CH`, `SH`, `TH`.
"""


def anchor_links(word: str, pronunciation: str) -> tuple[Link, ...]:
    """Letters and phonemes that belong together, each the only one of its kind in the word.

    Args:
        word: Letters.
        pronunciation: Phonemes without stress, separated by spaces.
    """
    phonemes = pronunciation.split()
    return tuple(
        Link(word.index(letter), place)
        for place, phoneme in enumerate(phonemes)
        if (letter := LETTERS.get(phoneme)) is not None
        and word.count(letter) == 1
        and phonemes.count(phoneme) == 1
    )


def with_anchors(examples: Sequence[Example]) -> list[Example]:
    """Pronunciations with the links of their first reference; those without any are left out."""
    linked = (
        replace(example, links=anchor_links(example.source, example.references[0]))
        for example in examples
    )
    return [example for example in linked if example.links]


def linked_error(found: Sequence[Pairs], truth: Sequence[Sequence[Link]]) -> float:
    """`alignment_error_rate` over the targets whose links are known alone.

    Raises:
        DataError: No link is known.
    """
    known = [{link.target for link in links} for links in truth]
    judged = [
        {pair for pair in pairs if pair[1] in targets}
        for pairs, targets in zip(found, known, strict=True)
    ]
    return alignment_error_rate(judged, truth)


def straight_line(source_count: int, target_count: int) -> Pairs:
    """The alignment that goes evenly from the first to the last token."""
    steps = max(target_count - 1, 1)
    return {(round(target * (source_count - 1) / steps), target) for target in range(target_count)}
