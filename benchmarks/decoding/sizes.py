"""Transformers with random weights, of sizes that others can be compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final


@dataclass(frozen=True, slots=True)
class Size:
    """A Transformer.

    Attributes:
        layers: Of the encoder, and as many of the decoder.
        width: Of every position's vector.
        feed_forward_width: Inside the feed-forward networks.
        heads: Of every attention.
        vocabulary_size: Ids, shared by source and target.
        steps: Tokens of every output.
    """

    layers: int
    width: int
    feed_forward_width: int
    heads: int
    vocabulary_size: int
    steps: int = 24

    @property
    def description(self) -> str:
        """In words."""
        return (
            f"random weights, {self.layers}+{self.layers} layers, width {self.width}, "
            f"vocabulary {self.vocabulary_size:,}, {self.steps} forced tokens"
        )


SIZES: Final[Mapping[str, Size]] = {
    "tiny": Size(2, 32, 64, 4, 64, steps=6),
    "S": Size(3, 256, 1024, 4, 8_000),
    "B": Size(6, 512, 2048, 8, 32_000),
}
SHORTEST: Final = 8
LONGEST: Final = 32
"""Tokens of a random source."""
_FIRST_ORDINARY: Final = 4


def random_sources(size: Size, count: int, *, seed: int = 1) -> list[list[int]]:
    """Sources of mixed length: ordinary ids, drawn evenly."""
    random = Random(seed)
    return [
        [
            random.randrange(_FIRST_ORDINARY, size.vocabulary_size)
            for _ in range(random.randint(SHORTEST, LONGEST))
        ]
        for _ in range(count)
    ]
