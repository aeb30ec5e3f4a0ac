"""Measures of classifiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClassificationMetrics:
    """How good given labels are.

    Attributes:
        labels: Every label that was right or was given, in order.
        confusion: How often each label (row) was taken for each label (column).
        attention_on_marks: Share of the attention that fell on the parts of the texts that the
            data marks, 0 to 1, mean over the texts that have any; None if nothing is marked.
        marked_share: What attention that is even over the tokens would give in its place.
    """

    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    attention_on_marks: float | None = None
    marked_share: float | None = None

    @property
    def text_count(self) -> int:
        """Texts that were judged."""
        return sum(map(sum, self.confusion))

    @property
    def accuracy(self) -> float:
        """Share of texts with the right label, 0 to 1."""
        return sum(row[i] for i, row in enumerate(self.confusion)) / self.text_count

    @property
    def macro_f1(self) -> float:
        """Mean of the labels' F1, 0 to 1.

        F1 = 2 right / (given + should have been), 0 for a label that was never given rightly.
        """
        return sum(self._f1(index) for index in range(len(self.labels))) / len(self.labels)

    def _f1(self, index: int) -> float:
        given = sum(row[index] for row in self.confusion)
        return 2 * self.confusion[index][index] / (given + sum(self.confusion[index]))

    def as_dict(self) -> dict[str, float]:
        """The measures and the number of texts, by name."""
        marks = {
            "attention_on_marks": self.attention_on_marks,
            "marked_share": self.marked_share,
        }
        return {
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            **{name: value for name, value in marks.items() if value is not None},
            "text_count": float(self.text_count),
        }


def classification_metrics(
    given: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    marks: tuple[float, float] | None = None,
) -> ClassificationMetrics:
    """Judges labels.

    Args:
        given: The label that each text got, one text or more.
        references: What is right for each; its first label counts.
        marks: `attention_on_marks` and `marked_share`, if the data marks anything.

    Raises:
        ValueError: There are no texts, or not as many labels as texts.
    """
    if not given or len(given) != len(references):
        raise ValueError(f"{len(given)} labels for {len(references)} texts")
    right = [reference[0] for reference in references]
    labels = sorted({*right, *given})
    places = {label: index for index, label in enumerate(labels)}
    counts = [[0] * len(labels) for _ in labels]
    for reference, label in zip(right, given, strict=True):
        counts[places[reference]][places[label]] += 1
    on_marks, share = marks or (None, None)
    return ClassificationMetrics(
        tuple(labels), tuple(map(tuple, counts)), attention_on_marks=on_marks, marked_share=share
    )
