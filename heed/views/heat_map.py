"""Attention as text: one row per target token, one column per source token.

The shade of a cell is a character, so the map reads without colour; colour only adds to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from heed.client.results import Attention, FloatArray
from heed.views.labels import token_labels

_STEPS: Final = (0.05, 0.25, 0.5, 0.75)  # lower bounds of the shades behind the first
_BLOCKS: Final = "·░▒▓█"
_ASCII: Final = ".:+*#"
_COLOURS: Final = ("#7f848e", "#4c72b0", "#2a9d8f", "#e08e0b", "#d62728")
_LONGEST_LABEL: Final = 12
_SHORTEST_CELL: Final = 3
_DIM: Final = Style(dim=True)
_BOLD: Final = Style(bold=True)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Widths in terminal cells, and the columns of each panel."""

    label_width: int
    cell_width: int
    panels: tuple[range, ...]


def heat_map(attention: Attention, *, width: int = 80, ascii_only: bool = False) -> Text:
    """Draws attention as a text map.

    Args:
        attention: What to draw.
        width: How many terminal cells a line may take. A map that is wider is cut into panels,
            one below the other, without the rows that are light in all of its columns.
        ascii_only: Whether to use only ASCII for the cells.

    Returns:
        Lines without a newline at the end; `.plain` is the map without colour.
    """
    rows = [_fitted(label, _LONGEST_LABEL) for label in token_labels(attention.target_tokens)]
    columns = [_fitted(label, _LONGEST_LABEL) for label in token_labels(attention.source_tokens)]
    layout = _layout(rows, columns, width)
    shades = _ASCII if ascii_only else _BLOCKS
    lines: list[Text] = []
    for panel in layout.panels:
        lines.append(_header(columns, panel, layout))
        lines.extend(
            _row(label, attention.weights[index], panel=panel, layout=layout, shades=shades)
            for index, label in enumerate(rows)
            if len(layout.panels) == 1 or _is_attended(attention.weights[index], panel)
        )
        lines.append(Text())
    lines.append(_legend(layout.label_width, shades))
    return Text("\n").join(lines)


def _layout(rows: Sequence[str], columns: Sequence[str], width: int) -> _Layout:
    label_width = max(map(cell_len, rows), default=0)
    widest = max(map(cell_len, columns), default=0)
    cell_width = max(_SHORTEST_CELL, widest + 1 + widest % 2)  # odd: labels sit in the middle
    per_panel = max(1, (width - label_width - 1) // cell_width)
    panel_count = max(1, math.ceil(len(columns) / per_panel))
    per_panel = math.ceil(len(columns) / panel_count)  # panels of equal width
    panels = tuple(
        range(first, min(first + per_panel, len(columns)))
        for first in range(0, len(columns), max(1, per_panel))
    )
    return _Layout(label_width, cell_width, panels)


def _header(columns: Sequence[str], panel: range, layout: _Layout) -> Text:
    line = Text(" " * (layout.label_width + 1))
    for column in panel:
        line.append(_centred(columns[column], layout.cell_width), _BOLD)
    line.rstrip()
    return line


def _row(label: str, weights: FloatArray, *, panel: range, layout: _Layout, shades: str) -> Text:
    line = Text(" " * (layout.label_width - cell_len(label)))
    line.append(label, _BOLD)
    line.append(" ")
    for column in panel:
        line.append_text(_cell(float(weights[column]), layout.cell_width, shades))
    line.rstrip()
    return line


def _is_attended(weights: FloatArray, panel: range) -> bool:
    """Whether a row has anything to show in a panel: the next panel has the rest of it."""
    return bool((weights[panel.start : panel.stop] >= _STEPS[0]).any())


def _cell(weight: float, cell_width: int, shades: str) -> Text:
    """A block of shade; the lightest is one dot, so that empty cells stay quiet."""
    step = _step(weight)
    if step == 0:
        return Text(_centred(shades[0], cell_width), _DIM)
    return Text(shades[step] * cell_width, Style(color=_COLOURS[step]))


def _step(weight: float) -> int:
    return sum(weight >= bound for bound in _STEPS)


def _legend(label_width: int, shades: str) -> Text:
    line = Text(" " * (label_width + 1))
    line.append("weight ", _DIM)
    for step, shade in enumerate(shades):
        bound = f"<{_STEPS[0]:.0%}" if step == 0 else f"≥{_STEPS[step - 1]:.0%}"
        if shades is _ASCII:
            bound = bound.replace("≥", ">=")
        line.append(f" {shade * (1 if step == 0 else 2)} ", Style(color=_COLOURS[step]))
        line.append(bound, _DIM)
    return line


def _centred(label: str, width: int) -> str:
    spare = width - cell_len(label)
    return " " * (spare // 2) + label + " " * (spare - spare // 2)


def _fitted(label: str, width: int) -> str:
    return label if cell_len(label) <= width else set_cell_size(label, width - 1).rstrip() + "…"
