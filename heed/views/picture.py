"""Attention as a picture, drawn with matplotlib (`pip install "heed[plot]"`)."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
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

_COLOUR_MAP: Final = "YlGnBu"
_LARGEST_CELL_IN: Final = 0.46
_SMALLEST_CELL_IN: Final = 0.22
_LONGEST_SIDE_IN: Final = 40.0
_POINTS_PER_IN: Final = 72
_MOST_NUMBERED_CELLS: Final = 200
_DOTS_PER_IN: Final = 150


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


def draw_attention(attention: Attention, *, title: str = "") -> Picture:
    """Draws the averaged weights: target tokens down, source tokens across, dark = attended."""
    return _draw([attention], [title], column_count=1)


def draw_heads(attention: Attention, *, title: str = "") -> Picture:
    """Draws every head: one row of maps per decoder layer, bottom layer first.

    Raises:
        ValueError: The heads were not asked for.
    """
    if attention.heads is None:
        raise ValueError("the answer holds no heads")
    layer_count, head_count = attention.heads.shape[:2]
    places = [(layer, head) for layer in range(layer_count) for head in range(head_count)]
    maps = [attention.head(layer, head) for layer, head in places]
    names = [f"layer {layer}, head {head}" for layer, head in places]
    if len(maps) == 1:
        return _draw(maps, [f"{title}\n{names[0]}" if title else names[0]], column_count=1)
    return _draw(maps, names, column_count=head_count, title=title)


def save_picture(picture: Picture, path: Path) -> None:
    """Writes a picture in the format of the path's ending.

    Raises:
        PlotError: The ending is not known, or the file cannot be written.
    """
    if path.suffix.lower() not in FORMATS:
        raise PlotError(f"{path}: a picture's name must end with {', '.join(FORMATS)}")
    try:
        picture.figure.savefig(path, dpi=_DOTS_PER_IN)
    except OSError as error:
        raise PlotError(f"cannot write {path}: {error.strerror or error}") from error


def _draw(
    maps: Sequence[Attention], names: Sequence[str], *, column_count: int, title: str = ""
) -> Picture:
    first = maps[0]
    rows, columns = token_labels(first.target_tokens), token_labels(first.source_tokens)
    families, missing = families_for([*rows, *columns, *names, title])
    rows = [with_code_points(label, missing) for label in rows]
    columns = [with_code_points(label, missing) for label in columns]
    row_count = math.ceil(len(maps) / column_count)
    longest = max(len(rows) * row_count, len(columns) * column_count, 1)
    style = _Style(_cell_side_in(longest), families)
    size = _map_size_in(rows, columns, style)
    figure = Figure(
        figsize=(size[0] * column_count, size[1] * row_count + 0.3 * bool(title)),
        layout="constrained",
    )
    grid = figure.subplots(row_count, column_count, squeeze=False)
    for axes, one, name in zip(grid.flat, maps, names, strict=True):
        _draw_map(axes, one, (rows, columns), style)
        heading = _wrapped(with_code_points(name, missing), size[0])
        axes.set_title(heading, fontfamily=families, fontsize=11, pad=10, parse_math=False)
    if title:
        heading = _wrapped(with_code_points(title, missing), size[0] * column_count)
        figure.suptitle(heading, fontfamily=families, fontsize=12, parse_math=False)
    return Picture(figure, missing)


def _cell_side_in(longest: int) -> float:
    side = min(_LARGEST_CELL_IN, max(_SMALLEST_CELL_IN, 8.0 / longest))
    return min(side, _LONGEST_SIDE_IN / longest)


def _map_size_in(rows: Sequence[str], columns: Sequence[str], style: _Style) -> tuple[float, float]:
    """Width and height of one map with its labels, its title and its colour bar."""
    per_character = 0.65 * style.label_points / _POINTS_PER_IN
    row_label = max(map(len, rows), default=0) * per_character
    column_label = per_character * (max(map(len, columns), default=0) if _turned(columns) else 1)
    width = len(columns) * style.cell_in + row_label + 1.6
    height = len(rows) * style.cell_in + column_label + 1.3
    return max(width, 4.2), max(height, 2.4)


def _draw_map(
    axes: Any, attention: Attention, labels: tuple[list[str], list[str]], style: _Style
) -> None:
    rows, columns = labels
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
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.8, aspect=14, pad=0.03)
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
    characters = max(20, int(width_in * 11))
    return "\n".join(textwrap.fill(line, characters, max_lines=3) for line in text.split("\n"))
