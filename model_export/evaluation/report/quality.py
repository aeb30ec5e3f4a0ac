"""The sections on quality: as a whole, by length, while it was trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from heed.figures.markup import element, escaped
from model_export.evaluation.evaluate import Judgement
from model_export.evaluation.report import page
from model_export.evaluation.report.charts import Axes, Bar, Line, bar_chart, line_chart
from model_export.evaluation.report.lengths import (
    LengthGroup,
    length_groups,
    length_ratio,
    source_lengths,
)
from model_export.evaluation.report.measures import Estimate, Measure
from model_export.evaluation.report.task_measures import TaskMeasures
from model_export.runs.training_run import HISTORY_FILE, TrainingRun

_LOSSES = (("train_loss", "training"), ("dev_loss", "dev"))


def quality_section(judgement: Judgement, quality: TaskMeasures, alignment: Measure | None) -> str:
    """Every measure with its interval."""
    measures = [*quality.measures, *([alignment] if alignment is not None else [])]
    tiles = [_tile(measure) for measure in measures]
    count = len(judgement.examples)
    words = (
        f"Over the {count:,} examples of {judgement.split}. The intervals hold 95% of the values "
        "of 1,000 samples of as many examples, drawn from these with replacement (bootstrap)."
    )
    return page.paragraph(words) + element("div", *tiles, class_="tiles") + _marks(judgement)


def _tile(measure: Measure) -> str:
    estimate = measure.estimate()
    better = "higher is better" if measure.higher_is_better else "lower is better"
    return element(
        "div",
        element("span", escaped(measure.name)),
        element("b", escaped(measure.written(estimate.value))),
        element("span", escaped(f"95%: {_interval(measure, estimate)}"), class_="quiet"),
        element("span", better, class_="quiet"),
        class_="tile",
    )


def _interval(measure: Measure, estimate: Estimate) -> str:
    return f"{measure.written(estimate.low)} to {measure.written(estimate.high)}"


def _marks(judgement: Judgement) -> str:
    """How much attention falls on what the data marks, if it marks anything."""
    values = judgement.metrics.as_dict()
    if "attention_on_marks" not in values:
        return ""
    return page.paragraph(
        f"Of the attention {values['attention_on_marks']:.1%} falls on the parts of the texts "
        f"that the data marks; spread evenly it would be {values['marked_share']:.1%}."
    )


def lengths_section(judgement: Judgement, quality: TaskMeasures) -> str:
    """The most important measure by the length of the source, as a chart and as a table."""
    headline = quality.measures[0]
    groups = length_groups(source_lengths(judgement))
    unit = "characters" if judgement.examples[0].picture is not None else "tokens of the source"
    bars = [_bar(group, headline) for group in groups]
    axes = Axes(f"{headline.name} by length", unit, headline.name, headline.is_share)
    caption = (
        f"{escaped(_capital(headline.name))} by {unit}, with 95% intervals; below each bar, how "
        "many examples it is of. The groups have about as many examples each."
    )
    rows = [[escaped(group.label), *_cells(judgement, group, quality)] for group in groups]
    measures = [escaped(measure.name) for measure in quality.measures]
    more = [] if judgement.label_outputs else ["output / reference"]
    numbers = page.table(
        "by length",
        caption="The same in numbers"
        + (", and how long outputs are compared with references, in characters." if more else "."),
        head=[unit, "examples", *measures, *more],
        rows=rows,
    )
    return page.chart(bar_chart(bars, axes), axes.name, caption) + numbers


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:] if name[1:].islower() else name


def _bar(group: LengthGroup, measure: Measure) -> Bar:
    estimate = measure.estimate(group.indices)
    return Bar(
        label=group.label,
        note=f"{len(group.indices):,}",
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        written=measure.written(estimate.value),
    )


def _cells(judgement: Judgement, group: LengthGroup, quality: TaskMeasures) -> list[str]:
    cells = [f"{len(group.indices):,}"]
    for measure in quality.measures:
        estimate = measure.estimate(group.indices)
        cells.append(
            f"{measure.written(estimate.value)} "
            + element("span", escaped(f"({_interval(measure, estimate)})"), class_="quiet")
        )
    if not judgement.label_outputs:
        outputs = [judgement.outputs[index] for index in group.indices]
        references = [judgement.examples[index].references for index in group.indices]
        cells.append(f"{length_ratio(outputs, references):.2f}")
    return cells


def training_section(run: TrainingRun) -> str:
    """Losses and the measure that chose the weights, as training went; empty without a history."""
    history = _history(run)
    if len(history) < 2:
        return ""
    losses = [
        Line(name, _points(history, key), dashed=key == "dev_loss")
        for key, name in _LOSSES
        if len(_points(history, key)) > 1
    ]
    parts = []
    if losses:
        axes = Axes("losses by training step", "step", "loss")
        parts.append(page.chart(line_chart(losses, axes), axes.name, "Training and dev loss."))
    metric = run.recipe.dev_metric.value
    points = _points(history, metric)
    if len(points) > 1:
        name = metric.replace("_", " ").replace("bleu", "BLEU").replace("chrf", "chrF2")
        axes = Axes(f"{name} on dev by training step", "step", name, is_share=_is_share(points))
        caption = f"{name} on dev, by which the best weights were chosen."
        parts.append(
            page.chart(line_chart([Line("dev", points)], axes), axes.name, escaped(caption))
        )
    return "".join(parts)


def _is_share(points: Sequence[tuple[float, float]]) -> bool:
    return all(0 <= value <= 1 for _, value in points)


def _history(run: TrainingRun) -> list[dict[str, Any]]:
    try:
        history = json.loads((run.path / HISTORY_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return []
    return [line for line in history if isinstance(line, dict) and "step" in line]


def _points(history: Sequence[dict[str, Any]], key: str) -> list[tuple[float, float]]:
    """The steps at which something is known, and its values."""
    found = [
        (line["step"], line.get(key, line.get("dev_metrics", {}).get(key))) for line in history
    ]
    return [(float(step), float(value)) for step, value in found if isinstance(value, int | float)]
