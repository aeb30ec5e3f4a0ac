"""How long real texts are: histograms of public data, without any of its texts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from itertools import accumulate
from random import Random
from typing import Final

_FILE: Final = "lengths.json"


class LengthKind(StrEnum):
    """What the texts are like.

    CAPTIONS: captions of photographs, in words.
    SENTENCES: everyday sentences, in words.
    WORDS: single words, in letters.
    """

    CAPTIONS = "captions"
    SENTENCES = "sentences"
    WORDS = "words"


@dataclass(frozen=True)
class Lengths:
    """How often each length comes.

    Attributes:
        unit: What is counted: "words" or "letters".
        source: The data that was counted, and its licence.
        counts: How many texts have a length, by the length, 1 or more.

    Raises:
        ValueError: There is no length, or one that no text can have.
    """

    unit: str
    source: str
    counts: Mapping[int, int]

    def __post_init__(self) -> None:
        if not self.counts or min(self.counts) < 1 or min(self.counts.values()) < 1:
            raise ValueError(f"the lengths of {self.source} need counts of 1 or more, at 1 or more")

    @property
    def mean(self) -> float:
        """The mean length, in units."""
        total = sum(length * count for length, count in self.counts.items())
        return total / sum(self.counts.values())

    def draw(self, random: Random, count: int) -> list[int]:
        """So many lengths at random, each as often as in the data."""
        lengths = sorted(self.counts)
        cumulative = list(accumulate(self.counts[length] for length in lengths))
        return random.choices(lengths, cum_weights=cumulative, k=count)


def load_lengths(kind: LengthKind | str) -> Lengths:
    """The lengths of one kind of texts.

    Raises:
        ValueError: There is no such kind.
    """
    kind = LengthKind(kind)
    text = resources.files("loadtest.texts").joinpath(_FILE).read_text(encoding="utf-8")
    found = json.loads(text)[kind.value]
    counts = {int(length): count for length, count in found["counts"].items()}
    return Lengths(found["unit"], found["source"], counts)


def count_lengths(texts: Iterable[str], *, unit: str) -> dict[int, int]:
    """How many texts have each length, in ascending order; empty texts are left out.

    Args:
        texts: The texts.
        unit: "words", divided by spaces, or "letters".
    """
    counts = Counter(len(text.split()) if unit == "words" else len(text.strip()) for text in texts)
    return {length: count for length, count in sorted(counts.items()) if length}
