"""Measures of quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PronunciationMetrics:
    """How good pronunciations are.

    Attributes:
        word_count: Words that were judged.
        wrong_word_count: Words for which no reference was produced.
        phoneme_count: Phonemes of the references that are closest to what was produced.
        phoneme_edit_count: Insertions, deletions and substitutions that lead there.
    """

    word_count: int
    wrong_word_count: int
    phoneme_count: int
    phoneme_edit_count: int

    @property
    def word_error_rate(self) -> float:
        """Share of wrong words, 0 to 1."""
        return self.wrong_word_count / self.word_count

    @property
    def word_accuracy(self) -> float:
        """Share of right words, 0 to 1."""
        return 1.0 - self.word_error_rate

    @property
    def phoneme_error_rate(self) -> float:
        """Edits per phoneme of the closest references, 0 or more."""
        return self.phoneme_edit_count / self.phoneme_count

    def as_dict(self) -> dict[str, float]:
        """The rates and the number of words, by name."""
        return {
            "word_accuracy": self.word_accuracy,
            "word_error_rate": self.word_error_rate,
            "phoneme_error_rate": self.phoneme_error_rate,
            "word_count": float(self.word_count),
        }


def pronunciation_metrics(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]]
) -> PronunciationMetrics:
    """Judges pronunciations, phonemes separated by spaces.

    Args:
        hypotheses: What was produced, one per word, one word or more.
        references: What is right for each word; one pronunciation or more, none empty.

    Raises:
        ValueError: There are no words, or not as many hypotheses as words.
    """
    if not hypotheses or len(hypotheses) != len(references):
        raise ValueError(f"{len(hypotheses)} hypotheses for {len(references)} words")
    wrong, edits, phonemes = 0, 0, 0
    for hypothesis, right in zip(hypotheses, references, strict=True):
        distance, length = closest_edits(
            hypothesis.split(), [reference.split() for reference in right]
        )
        wrong += distance > 0
        edits += distance
        phonemes += length
    return PronunciationMetrics(len(hypotheses), wrong, phonemes, edits)


def closest_edits(produced: Sequence[str], references: Sequence[Sequence[str]]) -> tuple[int, int]:
    """The edits to the closest reference, and its length; of equally close ones the longest."""
    distance, negative_length = min(
        (edit_distance(produced, reference), -len(reference)) for reference in references
    )
    return distance, -negative_length


def edit_distance(left: Sequence[str], right: Sequence[str]) -> int:
    """The fewest insertions, deletions and substitutions between two sequences.

    d[i, j] = min(d[i-1, j] + 1, d[i, j-1] + 1, d[i-1, j-1] + (left_i != right_j))
                                                        Levenshtein 1966; Wagner, Fischer 1974
    """
    if left == right:
        return 0
    row = list(range(len(right) + 1))
    for i, left_item in enumerate(left, start=1):
        diagonal, row[0] = row[0], i
        for j, right_item in enumerate(right, start=1):
            substituted = diagonal + (left_item != right_item)
            diagonal = row[j]
            row[j] = min(row[j] + 1, row[j - 1] + 1, substituted)
    return row[-1]
