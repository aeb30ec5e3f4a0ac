"""Word alignments: which source word each word of an output comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its place in a text.

    Attributes:
        text: The word.
        begin: Where it begins, in Unicode code points.
        end: Where it ends (exclusive), in Unicode code points.
    """

    text: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class AlignedPair:
    """A target word and the source word that the model attended to most while writing it.

    Attributes:
        source_index: The place among the source's words, counted from 0.
        target_index: The place among the target's words, counted from 0.
        weight: The weight of the source word, above 0 and at most 1.
    """

    source_index: int
    target_index: int
    weight: float


@dataclass(frozen=True, slots=True)
class Alignment:
    """Which source word each word of an output comes from.

    Attributes:
        source_words: The words of the source text.
        target_words: The words of the output.
        pairs: At most one for each target word, in their order.

    Example:
        >>> words = (Word("the", 0, 3), Word("cat", 4, 7))
        >>> pairs = (AlignedPair(1, 0, 0.8), AlignedPair(0, 1, 0.6))
        >>> Alignment(words, (Word("chat", 0, 4), Word("le", 5, 7)), pairs).pharaoh()
        '1-0 0-1'
    """

    source_words: tuple[Word, ...]
    target_words: tuple[Word, ...]
    pairs: tuple[AlignedPair, ...]

    def pharaoh(self) -> str:
        """The pairs as source-target indices, for the tools of machine translation: "0-0 1-2"."""
        return " ".join(f"{pair.source_index}-{pair.target_index}" for pair in self.pairs)

    def words(self) -> list[tuple[Word, Word, float]]:
        """The pairs as source word, target word and weight."""
        return [
            (
                self.source_words[pair.source_index],
                self.target_words[pair.target_index],
                pair.weight,
            )
            for pair in self.pairs
        ]
