"""The section on labels: which ones a classifier takes for which, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from heed.figures.markup import escaped
from model_export.evaluation.classification import ClassificationMetrics
from model_export.evaluation.label_outputs import LabelOutput
from model_export.evaluation.report import page

MOST_LABELS: Final = 40
"""With more labels than these the matrix is left out, and the most frequent mistakes stay."""
_MOST_MISTAKES: Final = 12
_CONFIDENCE_STEPS: Final = 5


def confusion_section(metrics: ClassificationMetrics) -> str:
    """The matrix of confusions, the most frequent mistakes, and the labels one by one."""
    matrix = _matrix(metrics) if len(metrics.labels) <= MOST_LABELS else ""
    return matrix + _mistakes(metrics) + _label_table(metrics)


def calibration_section(outputs: Sequence[LabelOutput], right: Sequence[str]) -> str:
    """How often labels are right, by how probable the model held them."""
    groups: list[list[tuple[float, bool]]] = [[] for _ in range(_CONFIDENCE_STEPS)]
    for output, truth in zip(outputs, right, strict=True):
        probability = output.probabilities[output.label]
        step = min(int(probability * _CONFIDENCE_STEPS), _CONFIDENCE_STEPS - 1)
        groups[step].append((probability, output.label == truth))
    rows = []
    error = 0.0
    for step, group in enumerate(groups):
        if not group:
            continue
        mean = sum(probability for probability, _ in group) / len(group)
        share = sum(is_right for _, is_right in group) / len(group)
        error += abs(mean - share) * len(group) / len(outputs)
        low, high = step / _CONFIDENCE_STEPS, (step + 1) / _CONFIDENCE_STEPS
        name = f"{low:.0%} to {high:.0%}"
        rows.append([name, f"{len(group):,}", f"{mean:.1%}", f"{share:.1%}"])
    caption = (
        "How often labels are right, by the probability that they were given. Expected "
        f"calibration error: {error:.1%} (the mean distance of the last two columns)."
    )
    head = ["probability", "texts", "mean probability", "right"]
    return page.table("calibration", caption=caption, head=head, rows=rows)


def _matrix(metrics: ClassificationMetrics) -> str:
    rows = []
    for label, counts in zip(metrics.labels, metrics.confusion, strict=True):
        total = max(sum(counts), 1)
        rows.append((label, [(str(count) if count else "·", count / total) for count in counts]))
    caption = (
        "Right labels down, given labels across; the stronger the colour, the larger the share "
        "of the row. What is right stands on the diagonal."
    )
    columns = ["right \\ given", *metrics.labels]
    return page.value_table("confusion matrix", caption=caption, columns=columns, rows=rows)


def _mistakes(metrics: ClassificationMetrics) -> str:
    mistakes = sorted(
        (-count, right, given)
        for right, counts in zip(metrics.labels, metrics.confusion, strict=True)
        for given, count in zip(metrics.labels, counts, strict=True)
        if count and right != given
    )[:_MOST_MISTAKES]
    if not mistakes:
        return page.paragraph("No label was taken for another.")
    rows = [[escaped(right), escaped(given), str(-count)] for count, right, given in mistakes]
    head = ["right label", "label given", "texts"]
    return page.table("mistakes", caption="The most frequent mistakes.", head=head, rows=rows)


def _label_table(metrics: ClassificationMetrics) -> str:
    rows = []
    for place, label in enumerate(metrics.labels):
        hits = metrics.confusion[place][place]
        due = sum(metrics.confusion[place])
        given = sum(row[place] for row in metrics.confusion)
        f1 = 2 * hits / max(given + due, 1)
        cells = [_share(hits, given), _share(hits, due), f"{f1:.1%}"]
        rows.append([escaped(label), f"{due:,}", *cells])
    head = ["label", "texts", "precision", "recall", "F1"]
    return page.table("labels", caption="Each label by itself.", head=head, rows=rows)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"
