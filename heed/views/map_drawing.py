"""One heat map on matplotlib's axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from heed.client.results import Attention

_COLOUR_MAP: Final = "Blues"  # one hue that darkens evenly: readable without colours too
_POINTS_PER_IN: Final = 72
_MOST_NUMBERED_CELLS: Final = 200
_MOST_SHAPED_CELLS: Final = 10_000
_SMALLEST_NUMBER_POINTS: Final = 3.8
_WHITE_FROM: Final = 0.68
_BAR_WIDTH_IN: Final = 0.14
_QUIET: Final = "#444444"


@dataclass(frozen=True, slots=True)
class MapStyle:
    """How a map is drawn: the side of a cell in inches, and the fonts."""

    cell_in: float
    families: list[str]

    @property
    def label_points(self) -> float:
        """The size of the labels in points."""
        return max(5.0, min(11.0, 0.55 * self.cell_in * _POINTS_PER_IN))

    @property
    def label_stride(self) -> int:
        """Every how many tokens there is room for a label."""
        return max(1, math.ceil(1.1 * self.label_points / (self.cell_in * _POINTS_PER_IN)))


@dataclass(frozen=True, slots=True)
class MapLabels:
    """What stands beside the rows and below the columns."""

    rows: list[str]
    columns: list[str]


def map_size_in(labels: MapLabels, style: MapStyle) -> tuple[float, float]:
    """About the width and height of one map with its labels and its colour bar, in inches."""
    rows, columns = labels.rows, labels.columns
    per_character = 0.65 * style.label_points / _POINTS_PER_IN
    row_label = max(map(len, rows), default=0) * per_character
    column_label = per_character * (max(map(len, columns), default=0) if _turned(columns) else 1)
    width = len(columns) * style.cell_in + row_label + 1.6
    height = len(rows) * style.cell_in + column_label + 0.9
    return max(width, 2.6), max(height, 2.2)


def draw_map(axes: Any, attention: Attention, *, labels: MapLabels, style: MapStyle) -> Any:
    """Draws the weights with their labels; returns the image."""
    rows, columns = labels.rows, labels.columns
    image = _draw_cells(axes, attention)
    stride = style.label_stride
    text = {
        "fontfamily": style.families,
        "fontsize": style.label_points,
        "parse_math": False,
    }
    turn = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"} if _turned(columns) else {}
    axes.set_xticks(range(0, len(columns), stride), columns[::stride], **text, **turn)
    axes.set_yticks(range(0, len(rows), stride), rows[::stride], **text)
    axes.set_xlabel("source", color=_QUIET, fontsize=style.label_points, labelpad=2)
    axes.set_ylabel("target", color=_QUIET, fontsize=style.label_points, labelpad=2)
    axes.tick_params(length=0, pad=2)
    for side in axes.spines.values():
        side.set_color("#bbbbbb")
    number_points = 0.7 * style.label_points
    if attention.weights.size <= _MOST_NUMBERED_CELLS and number_points >= _SMALLEST_NUMBER_POINTS:
        _write_weights(axes, attention, number_points)
    return image


def draw_colour_bar(
    image: Any, all_axes: Sequence[Any], *, row_count: int, style: MapStyle
) -> None:
    """Draws what the colours mean, beside all maps, each of so many rows."""
    height_in = max(row_count * style.cell_in, 1.0)
    bar = all_axes[0].figure.colorbar(
        image,
        ax=list(all_axes),
        shrink=0.8 if len(all_axes) == 1 else 0.4,
        aspect=0.8 * height_in / _BAR_WIDTH_IN if len(all_axes) == 1 else 20,
        pad=0.03 if len(all_axes) == 1 else 0.015,
    )
    size = min(9.0, style.label_points)
    bar.set_ticks([0, 0.5, 1], labels=["0", "0.5", "1"], fontsize=size)
    bar.ax.tick_params(length=2, pad=2)
    bar.set_label("attention weight", fontsize=size, color=_QUIET, labelpad=2)
    bar.outline.set_visible(False)


def _draw_cells(axes: Any, attention: Attention) -> Any:
    """Draws the cells, as shapes of their own while there are not too many."""
    colours = {"cmap": _COLOUR_MAP, "vmin": 0, "vmax": 1}
    if attention.weights.size > _MOST_SHAPED_CELLS:
        return axes.imshow(attention.weights, aspect="equal", **colours)
    # Each cell has a line of its own colour, so that no seams show between them.
    row_count, column_count = attention.weights.shape
    corners = np.arange(column_count + 1) - 0.5, np.arange(row_count + 1) - 0.5
    mesh = axes.pcolormesh(*corners, attention.weights, edgecolors="face", linewidth=0.2, **colours)
    axes.set_aspect("equal")
    axes.set_xlim(-0.5, column_count - 0.5)
    axes.set_ylim(row_count - 0.5, -0.5)
    return mesh


def _write_weights(axes: Any, attention: Attention, points: float) -> None:
    """Writes the weights of 1 % and more into their cells."""
    for (row, column), weight in _large_weights(attention):
        axes.text(
            column,
            row,
            f"{weight:.2f}".removeprefix("0"),
            ha="center",
            va="center",
            fontsize=points,
            color="white" if weight > _WHITE_FROM else "#111111",
        )


def _large_weights(attention: Attention) -> list[tuple[tuple[int, int], float]]:
    row_count, column_count = attention.weights.shape
    return [
        ((row, column), float(attention.weights[row, column]))
        for row in range(row_count)
        for column in range(column_count)
        if attention.weights[row, column] >= 0.01
    ]


def _turned(columns: Sequence[str]) -> bool:
    """Whether the labels are too long to stand side by side."""
    return max(map(len, columns), default=0) > 3
