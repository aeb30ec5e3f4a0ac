"""Attention as a picture, drawn with matplotlib (`pip install "heed[plot]"`)."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from heed.client.results import Attention
from heed.views.errors import PlotError
from heed.views.labels import token_labels

try:
    from matplotlib.figure import Figure

    from heed.views.fonts import families_for, with_code_points
except ModuleNotFoundError as error:
    raise PlotError('pictures need matplotlib: pip install "heed[plot]"') from error

FORMATS: Final = (".png", ".svg", ".pdf")

_COLOUR_MAP: Final = "Blues"
_LARGEST_CELL_IN: Final = 0.46
_SMALLEST_CELL_IN: Final = 0.22
_LONGEST_SIDE_IN: Final = 40.0
_POINTS_PER_IN: Final = 72
_MOST_NUMBERED_CELLS: Final = 200
_DOTS_PER_IN: Final = 150
_MARGIN_IN: Final = 0.15
_TITLE_IN: Final = 0.5
_BAR_WIDTH_IN: Final = 0.14


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure, and the characters that no installed font could draw.

    Attributes:
        figure: The matplotlib figure.
        missing: Characters written as code points ("U+6CE8") because no font has them.
    """

    figure: Figure
    missing: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Style:
    """How a map is drawn: the side of a cell in inches, and the fonts."""

    cell_in: float
    families: list[str]

    @property
    def label_points(self) -> float:
        return max(5.0, min(11.0, 0.55 * self.cell_in * _POINTS_PER_IN))

    @property
    def label_stride(self) -> int:
        """Every how many tokens there is room for a label."""
        return max(1, math.ceil(1.1 * self.label_points / (self.cell_in * _POINTS_PER_IN)))


@dataclass(frozen=True, slots=True)
class _Labels:
    """What stands beside the rows and below the columns."""

    rows: list[str]
    columns: list[str]


def draw_attention(attention: Attention, *, title: str = "") -> Picture:
    """Draws the averaged weights: target tokens down, source tokens across, dark = attended."""
    return _draw({None: attention}, title=title)


def draw_heads(attention: Attention, *, title: str = "") -> Picture:
    """Draws every head: one row of maps per decoder layer, bottom layer first.

    Raises:
        ValueError: The heads were not asked for.
    """
    if attention.heads is None:
        raise ValueError("the answer holds no heads")
    maps: dict[tuple[int, int] | None, Attention] = {
        place: attention.head(*place) for place in attention.head_places
    }
    return _draw(maps, title=title)


def save_picture(picture: Picture, path: Path) -> None:
    """Writes a picture in the format of the path's ending.

    Raises:
        PlotError: The ending is not known, or the file cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise PlotError(f"{path}: a picture's name must end with {', '.join(FORMATS)}")
    try:
        picture.figure.savefig(path, dpi=_DOTS_PER_IN, bbox_inches="tight", pad_inches=_MARGIN_IN)
    except OSError as error:
        raise PlotError(f"cannot write {path}: {error.strerror or error}") from error


def _draw(maps: Mapping[tuple[int, int] | None, Attention], *, title: str) -> Picture:
    """Draws one map, or one for every (layer, head) in a grid."""
    places = [place or (0, 0) for place in maps]
    row_count = 1 + max(layer for layer, _ in places)
    column_count = 1 + max(head for _, head in places)
    first = next(iter(maps.values()))
    rows, columns = token_labels(first.target_tokens), token_labels(first.source_tokens)
    families, missing = families_for([*rows, *columns, title])
    labels = _Labels(
        [with_code_points(label, missing) for label in rows],
        [with_code_points(label, missing) for label in columns],
    )
    longest = max(len(rows) * row_count, len(columns) * column_count, 1)
    style = _Style(_cell_side_in(longest), families)
    width, height = _map_size_in(labels, style)
    figure = Figure(
        figsize=(width * column_count, height * row_count + _TITLE_IN), layout="compressed"
    )
    grid = figure.subplots(row_count, column_count, squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)
    for place, attention in maps.items():
        axes = grid[place or (0, 0)]
        axes.set_visible(True)
        _draw_map(axes, attention, labels=labels, style=style)
        if place is not None:
            axes.set_title(f"layer {place[0]}, head {place[1]}", fontsize=9, color="#555555")
    heading = _wrapped(with_code_points(title, missing), width * column_count)
    figure.suptitle(heading, fontfamily=families, fontsize=12, parse_math=False)
    return Picture(figure, missing)


def _cell_side_in(longest: int) -> float:
    side = min(_LARGEST_CELL_IN, max(_SMALLEST_CELL_IN, 8.0 / longest))
    return min(side, _LONGEST_SIDE_IN / longest)


def _map_size_in(labels: _Labels, style: _Style) -> tuple[float, float]:
    """Width and height of one map with its labels and its colour bar."""
    rows, columns = labels.rows, labels.columns
    per_character = 0.65 * style.label_points / _POINTS_PER_IN
    row_label = max(map(len, rows), default=0) * per_character
    column_label = per_character * (max(map(len, columns), default=0) if _turned(columns) else 1)
    width = len(columns) * style.cell_in + row_label + 1.6
    height = len(rows) * style.cell_in + column_label + 0.9
    return max(width, 2.6), max(height, 2.2)


def _draw_map(axes: Any, attention: Attention, *, labels: _Labels, style: _Style) -> None:
    rows, columns = labels.rows, labels.columns
    image = axes.imshow(attention.weights, cmap=_COLOUR_MAP, vmin=0, vmax=1, aspect="equal")
    stride = style.label_stride
    text = {
        "fontfamily": style.families,
        "fontsize": style.label_points,
        "parse_math": False,
    }
    turn = {"rotation": 60, "ha": "right", "rotation_mode": "anchor"} if _turned(columns) else {}
    axes.set_xticks(range(0, len(columns), stride), columns[::stride], **text, **turn)
    axes.set_yticks(range(0, len(rows), stride), rows[::stride], **text)
    axes.set_xlabel("source", color="#555555")
    axes.set_ylabel("target", color="#555555")
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_color("#bbbbbb")
    if attention.weights.size <= _MOST_NUMBERED_CELLS:
        _write_weights(axes, attention, style)
    height_in = max(len(rows) * style.cell_in, 1.0)
    bar = axes.figure.colorbar(
        image, ax=axes, shrink=0.8, aspect=0.8 * height_in / _BAR_WIDTH_IN, pad=0.03
    )
    bar.set_ticks([0, 0.5, 1], labels=["0", "0.5", "1"], fontsize=8)
    bar.outline.set_visible(False)


def _write_weights(axes: Any, attention: Attention, style: _Style) -> None:
    """Writes the weights of 1 % and more into their cells."""
    for (row, column), weight in _large_weights(attention):
        axes.text(
            column,
            row,
            f"{weight:.2f}".removeprefix("0"),
            ha="center",
            va="center",
            fontsize=0.7 * style.label_points,
            color="white" if weight > 0.55 else "#333333",
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


def _wrapped(text: str, width_in: float) -> str:
    """At most three lines of what fits above a map, at about 9 characters an inch."""
    characters = max(30, int((width_in - 0.6) * 9))
    return "\n".join(
        textwrap.fill(line, characters, max_lines=3, placeholder=" …") for line in text.split("\n")
    )
