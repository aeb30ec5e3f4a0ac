"""The section on single examples: the worst and the best, with their attention."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from heed.figures.heat_map import MapText, heat_map
from heed.figures.markup import element, escaped
from heed.figures.painted import Span, painted
from model_export.evaluation.evaluate import Judgement
from model_export.evaluation.report import page
from model_export.evaluation.report.measures import FloatArray, IntArray
from model_export.evaluation.report.reading import Reading
from model_export.evaluation.report.task_measures import TaskMeasures

MOST_OF_A_KIND: Final = 5
_MOST_REFERENCES: Final = 5


def best_and_worst(qualities: FloatArray, lengths: IntArray) -> tuple[list[int], list[int]]:
    """Which examples are the best and the worst, the most telling first; none is both.

    Of examples that are equally good the longer is the better one; of those that are equally bad
    the shorter is the worse one.
    """
    order = np.lexsort((lengths, qualities)).tolist()
    worst = order[: min(MOST_OF_A_KIND, len(order) // 2)]
    best = order[::-1][: min(MOST_OF_A_KIND, len(order) - len(worst))]
    return best, worst


def examples_section(
    judgement: Judgement,
    quality: TaskMeasures,
    *,
    chosen: tuple[Sequence[int], Sequence[int]],
    attention: Callable[[int], str],
) -> str:
    """The worst and the best examples.

    Args:
        judgement: What was judged.
        quality: How good each output is.
        chosen: Which examples, as `best_and_worst` gives them.
        attention: A picture of what the model looked at in an example; empty if there is none.
    """
    best, worst = chosen
    fields = _label_fields if judgement.label_outputs else _text_fields

    def card(index: int) -> str:
        share = f"{quality.qualities[index]:.1%}"
        rows = [*fields(judgement, index), (quality.quality, share)]
        return element("article", page.facts(rows), attention(index), class_="example")

    parts = [page.paragraph(f"Ordered by: {quality.quality}.")]
    if worst:
        parts += [element("h3", "Worst"), *map(card, worst)]
    return "".join([*parts, element("h3", "Best"), *map(card, best)])


def attention_map(reading: Reading | None) -> str:
    """What a model looked at while it wrote an output."""
    if reading is None:
        return ""
    text = MapText(reading.rows, reading.columns, "attention of this output", row_axis="output")
    return page.scrolled(heat_map(reading.weights, text), "attention of this output")


def painted_source(judgement: Judgement, index: int) -> str:
    """What a classifier looked at."""
    output = judgement.label_outputs[index]
    spans = [
        Span(token.begin, token.end, float(weight))
        for token, weight in zip(output.tokens, output.attention, strict=True)
    ]
    return painted(judgement.examples[index].source, spans)


def _text_fields(judgement: Judgement, index: int) -> list[tuple[str, str]]:
    example = judgement.examples[index]
    references = [page.text(reference) for reference in example.references[:_MOST_REFERENCES]]
    return [
        ("source", page.text(example.source)),
        ("output", page.text(judgement.outputs[index]) if judgement.outputs[index] else "(empty)"),
        ("reference", "<br>".join(references)),
    ]


def _label_fields(judgement: Judgement, index: int) -> list[tuple[str, str]]:
    output, right = judgement.label_outputs[index], judgement.examples[index].references[0]
    given = f"{output.label} ({output.probabilities[output.label]:.1%})"
    return [("label given", escaped(given)), ("right label", escaped(right))]
