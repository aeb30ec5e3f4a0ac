"""Measures of texts that are read from pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from model_export.evaluation.pronunciation import closest_edits


@dataclass(frozen=True, slots=True)
class CaptionMetrics:
    """How right the texts of pictures are.

    Attributes:
        picture_count: Pictures that were judged.
        right_count: Pictures whose text is, character by character, one of the references.
        character_count: Characters of the references that are closest to what was written.
        edit_count: Insertions, deletions and substitutions of characters that lead there.
    """

    picture_count: int
    right_count: int
    character_count: int
    edit_count: int

    @property
    def accuracy(self) -> float:
        """Share of pictures that were read without a mistake, 0 to 1."""
        return self.right_count / self.picture_count

    @property
    def character_error_rate(self) -> float:
        """Edits per character of the closest references, 0 or more."""
        return self.edit_count / max(self.character_count, 1)

    def as_dict(self) -> dict[str, float]:
        """The rates and the number of pictures, by name."""
        return {
            "accuracy": self.accuracy,
            "character_error_rate": self.character_error_rate,
            "picture_count": float(self.picture_count),
        }


def caption_metrics(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]]
) -> CaptionMetrics:
    """Judges the texts of pictures.

    Args:
        hypotheses: What was written, one per picture, one picture or more.
        references: What is right for each picture, one text or more.

    Raises:
        ValueError: There are no pictures, or not as many hypotheses as pictures.
    """
    if not hypotheses or len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} hypotheses for {len(references)} pictures")
    right, edits, characters = 0, 0, 0
    for hypothesis, texts in zip(hypotheses, references, strict=True):
        distance, length = closest_edits(hypothesis, texts)
        right += distance == 0
        edits += distance
        characters += length
    return CaptionMetrics(len(hypotheses), right, characters, edits)
