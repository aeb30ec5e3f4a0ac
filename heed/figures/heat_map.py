"""A matrix of weights as SVG: dark where a weight is large, in light and in dark surroundings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from heed.figures.markup import element, escaped
from heed.figures.text_width import shortened, text_width

Weights = npt.NDArray[np.floating[Any]]

COLOUR: Final = "#1f77c9"
"""4.5 to 1 and more against white and against black, so that writing on it is readable in both."""
FONT: Final = 12.0
_FAMILY: Final = "system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif"
_LARGEST_CELL: Final = 30.0
_SMALLEST_CELL: Final = 3.0
_LONGEST_SIDE: Final = 760.0
_NUMBERED_CELL: Final = 22.0
_MOST_NUMBERED: Final = 300
_LONGEST_LABEL: Final = 150.0
_LEAST_DRAWN: Final = 0.005
_BAR_STEPS: Final = 10


@dataclass(frozen=True, slots=True)
class MapText:
    """What is written around a heat map.

    Attributes:
        rows: The label of each row.
        columns: The label of each column.
        name: What the picture shows, for those who do not see it.
        row_axis: What rows are; empty = nothing is written.
        column_axis: What columns are.
        scale: What the colours are; empty = no colour bar.
    """

    rows: Sequence[str]
    columns: Sequence[str]
    name: str
    row_axis: str = "target"
    column_axis: str = "source"
    scale: str = "attention weight"


@dataclass(frozen=True, slots=True)
class _Layout:
    """Sizes in pixels: the side of a cell, what stands left of the map and below it."""

    cell: float
    left: float
    below: float
    turned: bool

    @property
    def stride(self) -> int:
        """Every how many cells there is room for a label."""
        return max(1, math.ceil((FONT + 2) / self.cell))


def heat_map(weights: Weights, text: MapText) -> str:
    """Draws weights of 0 to 1.

    Args:
        weights: Float [T, S].
        text: T row labels, S column labels, and what else is written.

    Returns:
        An `svg` element. What is below half a percent is left white. Each cell tells its weight
        when it is pointed at, and the description holds the largest of each row.
    """
    layout = _layout(text)
    row_count, column_count = weights.shape
    width = layout.left + column_count * layout.cell + 8
    height = row_count * layout.cell + layout.below
    if text.scale:
        width, height = max(width, layout.left + 240), height + 30
    parts = [
        element("title", escaped(text.name)),
        element("desc", escaped(_description(weights, text))),
        _frame(layout, row_count, column_count),
        *_cells(weights, text, layout),
        *_row_labels(text, layout),
        *_column_labels(text, layout, row_count * layout.cell),
        *_axes(text, layout, row_count=row_count, column_count=column_count),
    ]
    if text.scale:
        parts.append(_colour_bar(text.scale, layout.left, height - 22))
    return _svg(width, height, *parts)


def thumbnail(weights: Weights, name: str, *, side: float = 110.0) -> str:
    """Draws weights of 0 to 1, float [T, S], without any writing; the longer side is `side`."""
    cell = side / max(*weights.shape, 1)
    layout = _Layout(cell, 0.5, 0.5, turned=False)
    row_count, column_count = weights.shape
    text = MapText([""] * row_count, [""] * column_count, name)
    cells = _cells(weights, text, layout, told=False)
    frame = _frame(layout, row_count, column_count)
    return _svg(
        column_count * cell + 1,
        row_count * cell + 1,
        element("title", escaped(name)),
        frame,
        *cells,
    )


def _svg(width: float, height: float, *parts: str) -> str:
    return element(
        "svg",
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=round(width),
        height=round(height),
        role="img",
        fill="currentColor",
        font_family=_FAMILY,
        font_size=FONT,
        style="max-width:100%;height:auto",
    )


def _layout(text: MapText) -> _Layout:
    longest = max(len(text.rows), len(text.columns), 1)
    cell = max(_SMALLEST_CELL, min(_LARGEST_CELL, _LONGEST_SIDE / longest))
    widest_row = max((text_width(label, FONT) for label in text.rows), default=0.0)
    widest_column = max((text_width(label, FONT) for label in text.columns), default=0.0)
    turned = widest_column > cell - 2
    column_height = min(widest_column, _LONGEST_LABEL) * 0.87 + 6 if turned else FONT
    left = 24 * bool(text.row_axis) + min(widest_row, _LONGEST_LABEL) + 8
    if turned and text.columns:  # the first labels lean out to the left
        left = max(left, min(text_width(text.columns[0], FONT), _LONGEST_LABEL) * 0.5)
    return _Layout(cell, left, column_height + 8 + 20 * bool(text.column_axis), turned)


def _frame(layout: _Layout, row_count: int, column_count: int) -> str:
    return element(
        "rect",
        x=layout.left,
        y=0.5,
        width=column_count * layout.cell,
        height=row_count * layout.cell,
        fill="none",
        stroke="currentColor",
        stroke_opacity=0.35,
    )


def _cells(weights: Weights, text: MapText, layout: _Layout, *, told: bool = True) -> list[str]:
    cell = layout.cell
    numbered = told and cell >= _NUMBERED_CELL and weights.size <= _MOST_NUMBERED
    parts = []
    for row, column in zip(*np.nonzero(weights >= _LEAST_DRAWN), strict=True):
        weight = float(weights[row, column])
        x, y = layout.left + column * cell, 0.5 + row * cell
        place = f"{text.rows[row]} ← {text.columns[column]}: {weight:.3f}"
        parts.append(
            element(
                "rect",
                *([element("title", escaped(place))] if told else []),
                x=x,
                y=y,
                width=cell,
                height=cell,
                fill=COLOUR,
                fill_opacity=min(weight, 1.0),
            )
        )
        if numbered and weight >= 0.01:
            parts.append(_weight_label(weight, x + cell / 2, y + cell / 2))
    return parts


def _weight_label(weight: float, x: float, y: float) -> str:
    return element(
        "text",
        f"{weight:.2f}".removeprefix("0"),
        x=x,
        y=y,
        dy="0.35em",
        text_anchor="middle",
        font_size=9.5,
        pointer_events="none",
        aria_hidden="true",
    )


def _row_labels(text: MapText, layout: _Layout) -> list[str]:
    return [
        element(
            "text",
            escaped(shortened(label, _LONGEST_LABEL, FONT)),
            x=layout.left - 6,
            y=0.5 + (row + 0.5) * layout.cell,
            dy="0.35em",
            text_anchor="end",
        )
        for row, label in enumerate(text.rows)
        if row % layout.stride == 0
    ]


def _column_labels(text: MapText, layout: _Layout, bottom: float) -> list[str]:
    labels = []
    for column, label in enumerate(text.columns):
        if column % layout.stride:
            continue
        x, y = layout.left + (column + 0.5) * layout.cell, bottom + 12
        turn = f"translate({x + 3:.1f} {y:.1f}) rotate(-60)"
        labels.append(
            element(
                "text",
                escaped(shortened(label, _LONGEST_LABEL, FONT)),
                x=None if layout.turned else x,
                y=None if layout.turned else y + 4,
                transform=turn if layout.turned else None,
                text_anchor="end" if layout.turned else "middle",
            )
        )
    return labels


def _axes(text: MapText, layout: _Layout, *, row_count: int, column_count: int) -> list[str]:
    style: dict[str, str | float] = {"text_anchor": "middle", "opacity": 0.75, "font_size": 11.0}
    axes = []
    if text.row_axis:
        middle = row_count * layout.cell / 2
        turn = f"translate(11 {middle:.1f}) rotate(-90)"
        axes.append(element("text", escaped(text.row_axis), transform=turn, **style))
    if text.column_axis:
        x = layout.left + column_count * layout.cell / 2
        y = row_count * layout.cell + layout.below - 8
        axes.append(element("text", escaped(text.column_axis), x=x, y=y, **style))
    return axes


def _colour_bar(scale: str, x: float, y: float) -> str:
    steps = [
        element(
            "rect",
            x=x + 14 + 9 * step,
            y=y,
            width=9,
            height=9,
            fill=COLOUR,
            fill_opacity=(step + 0.5) / _BAR_STEPS,
        )
        for step in range(_BAR_STEPS)
    ]
    end = x + 14 + 9 * _BAR_STEPS
    return element(
        "g",
        element("text", "0", x=x, y=y + 9),
        *steps,
        element("text", "1", x=end + 6, y=y + 9),
        element("text", escaped(scale), x=end + 22, y=y + 9),
        font_size=11,
        opacity=0.85,
    )


def _description(weights: Weights, text: MapText) -> str:
    """The largest weight of each row, for those who do not see the picture."""
    if not weights.size:
        return ""
    largest = weights.argmax(axis=1)
    return "; ".join(
        f"{label}: {text.columns[column]} {weights[row, column]:.2f}"
        for row, (label, column) in enumerate(zip(text.rows, largest, strict=True))
    )
