"""Each mechanism's attention to the same text, side by side."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle

from benchmarks.attention_comparison.results import Reading, Row
from heed.views.fonts import families_for, with_code_points
from heed.views.picture import MM_PER_IN, Picture

WIDTH_MM: Final = 180.0
"""Two columns of most journals."""
_COLUMNS: Final = 5
_COLOURS: Final = "Blues"
_TRUTH: Final = "#d55e00"
_QUIET: Final = "#444444"
_FRAME: Final = "#bbbbbb"
_TITLE_POINTS: Final = 6.5
_LABEL_POINTS: Final = 5.5
_TITLE_CHARACTERS: Final = 22
_STRIP_ROW_IN: Final = 0.19


@dataclass(frozen=True, slots=True)
class _Fonts:
    families: list[str]
    missing: frozenset[str]

    def label(self, points: float) -> dict[str, Any]:
        return {"fontfamily": self.families, "fontsize": points, "parse_math": False}

    def shown(self, texts: Sequence[str]) -> list[str]:
        return [with_code_points(text, self.missing) for text in texts]


def attention_grid(rows: Sequence[Row], title: str) -> Picture:
    """A small map for each mechanism: the right output down, the source across.

    What is known to belong together has a frame.

    Args:
        rows: The mechanisms, each with the same text; the first seed's attention is drawn.
        title: What the picture is called in its file.
    """
    readings = [row.runs[0].reading for row in rows]
    fonts = _fonts_for(readings, [row.title for row in rows])
    column_count = min(_COLUMNS, len(rows))
    line_count = math.ceil(len(rows) / column_count)
    cells_wide, cells_high = len(readings[0].columns), len(readings[0].rows)
    width = WIDTH_MM / MM_PER_IN
    map_height = (width - 0.9) / _COLUMNS * cells_high / cells_wide
    height = line_count * (map_height + 0.24) + 0.2
    figure = Figure(figsize=(width, height), layout=_close_together())
    grid = figure.subplots(line_count, column_count, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(rows):
            axes.set_visible(False)
            continue
        is_lowest = place + column_count >= len(rows)
        _draw_map(axes, readings[place], fonts, (place % column_count == 0, is_lowest))
        heading = textwrap.fill(rows[place].title, _TITLE_CHARACTERS)
        axes.set_title(heading, pad=3, **fonts.label(_TITLE_POINTS))
    _colour_bar(figure, list(grid.flat), line_count)
    return Picture(figure, fonts.missing, title, is_fitted=True)


def attention_strips(rows: Sequence[Row], title: str) -> Picture:
    """A row of weights for each mechanism, and for each of its hops, over the same text.

    Args:
        rows: The mechanisms, each with the same text; the first seed's attention is drawn.
        title: What the picture is called in its file.
    """
    readings = [row.runs[0].reading for row in rows]
    fonts = _fonts_for(readings, [row.title for row in rows])
    names = [
        f"{row.title}: {name}" if name == reading.rows[0] and name else name or row.title
        for row, reading in zip(rows, readings, strict=True)
        for name in reading.rows
    ]
    together = Reading(
        rows=tuple(names),
        columns=readings[0].columns,
        weights=tuple(weights for reading in readings for weights in reading.weights),
    )
    height = len(names) * _STRIP_ROW_IN + 0.9
    figure = Figure(figsize=(WIDTH_MM / MM_PER_IN, height), layout=_close_together())
    axes = figure.subplots()
    _draw_map(axes, together, fonts, (True, True), aspect="auto")
    _colour_bar(figure, [axes], 1)
    return Picture(figure, fonts.missing, title, is_fitted=True)


def _close_together() -> ConstrainedLayoutEngine:
    return ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02)


def _fonts_for(readings: Sequence[Reading], titles: Sequence[str]) -> _Fonts:
    texts = [text for reading in readings for text in (*reading.rows, *reading.columns)]
    return _Fonts(*families_for([*texts, *titles]))


def _draw_map(
    axes: Any,
    reading: Reading,
    fonts: _Fonts,
    labelled: tuple[bool, bool],
    *,
    aspect: str = "equal",
) -> None:
    """Draws the weights; `labelled` says whether rows and columns have names."""
    weights = np.array(reading.weights)
    row_count, column_count = weights.shape
    corners = np.arange(column_count + 1) - 0.5, np.arange(row_count + 1) - 0.5
    axes.pcolormesh(
        *corners, weights, cmap=_COLOURS, vmin=0, vmax=1, edgecolors="face", linewidth=0.2
    )
    axes.set_aspect(aspect)
    axes.set_xlim(-0.5, column_count - 0.5)
    axes.set_ylim(row_count - 0.5, -0.5)
    text = fonts.label(_LABEL_POINTS)
    turned = max(map(len, reading.columns)) > 2
    turn = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"} if turned else {}
    rows = fonts.shown(reading.rows) if labelled[0] else []
    columns = fonts.shown(reading.columns) if labelled[1] else []
    axes.set_yticks(range(len(rows)), rows, **text)
    axes.set_xticks(range(len(columns)), columns, **text, **turn)
    axes.tick_params(length=0, pad=1.5)
    for side in axes.spines.values():
        side.set(color=_FRAME, linewidth=0.5)
    _frame_links(axes, reading)


def _frame_links(axes: Any, reading: Reading) -> None:
    for column, row in reading.links:
        corner = (column - 0.44, row - 0.44)
        axes.add_patch(Rectangle(corner, 0.88, 0.88, fill=False, edgecolor=_TRUTH, linewidth=0.8))


def _colour_bar(figure: Figure, all_axes: Sequence[Any], line_count: int) -> None:
    image = all_axes[0].collections[0]
    bar = figure.colorbar(image, ax=list(all_axes), shrink=0.9 / line_count, aspect=12, pad=0.015)
    bar.set_ticks([0, 0.5, 1], labels=["0", "0.5", "1"], fontsize=_LABEL_POINTS)
    bar.ax.tick_params(length=2, pad=1.5)
    bar.set_label("attention weight", fontsize=_LABEL_POINTS, color=_QUIET, labelpad=2)
    bar.outline.set_visible(False)
