"""Attention as a picture, drawn with matplotlib (`pip install "heed[plot]"`)."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from heed.client.results import Attention
from heed.views.errors import PlotError
from heed.views.labels import token_labels

try:
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

    from heed.views.fonts import families_for, with_code_points
    from heed.views.map_drawing import MapLabels, MapStyle, draw_colour_bar, draw_map, map_size_in
except ModuleNotFoundError as error:
    raise PlotError('pictures need matplotlib: pip install "heed[plot]"') from error

FORMATS: Final = (".png", ".svg", ".pdf")
MIN_WIDTH_MM: Final = 40.0
MAX_WIDTH_MM: Final = 1000.0
MM_PER_IN: Final = 25.4

_LARGEST_CELL_IN: Final = 0.46
_SMALLEST_CELL_IN: Final = 0.22
_LONGEST_SIDE_IN: Final = 24.0
_DOTS_PER_IN: Final = 150
_PRINTED_DOTS_PER_IN: Final = 300
_MARGIN_IN: Final = 0.15
_PRINTED_MARGIN_IN: Final = 0.02
_TITLE_IN: Final = 0.5
_FORMAT_SETTINGS: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",  # text stays text: it can be searched, copied and read aloud
    "svg.hashsalt": "heed",  # the same picture is the same file
    "pdf.fonttype": 42,  # fonts are embedded as TrueType, as publishers want them
}
_NO_DATE: Final[Mapping[str, dict[str, Any]]] = {
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}


class NotebookFigure(Figure):
    """A figure that notebooks show, whether or not pyplot was loaded."""

    def _repr_png_(self) -> bytes:
        content = io.BytesIO()
        self.savefig(content, format="png", dpi=_DOTS_PER_IN, bbox_inches="tight")
        return content.getvalue()


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure, and the characters that no installed font could draw.

    Attributes:
        figure: The matplotlib figure.
        missing: Characters written as code points ("U+6CE8") because no font has them.
        title: What stands above the figure.
        is_fitted: Whether the file is to be exactly as wide as the figure.
    """

    figure: Figure
    missing: frozenset[str]
    title: str = ""
    is_fitted: bool = False


def draw_attention(
    attention: Attention, *, title: str = "", width_mm: float | None = None
) -> Picture:
    """Draws the averaged weights: target tokens down, source tokens across, dark = attended.

    Args:
        attention: What to draw.
        title: What to write above it.
        width_mm: How wide the picture is to be, in millimetres, for example 85 for a column of a
            paper. None: as wide as the tokens need.

    Raises:
        PlotError: The width is none that a picture can have.
    """
    return _draw({None: attention}, title=title, width_mm=width_mm)


def draw_heads(attention: Attention, *, title: str = "", width_mm: float | None = None) -> Picture:
    """Draws every head: one row of maps per decoder layer, bottom layer first.

    Raises:
        PlotError: The width is none that a picture can have.
        ValueError: The heads were not asked for.
    """
    if attention.heads is None:
        raise ValueError("the answer holds no heads")
    maps: dict[tuple[int, int] | None, Attention] = {
        place: attention.head(*place) for place in attention.head_places
    }
    return _draw(maps, title=title, width_mm=width_mm)


def finished(picture: Picture, path: str | Path | None) -> Figure:
    """The figure of a picture, which is written to a path if one is given; see `save_picture`.

    Raises:
        PlotError: The path's ending is not known, or the file cannot be written.
    """
    if path is not None:
        save_picture(picture, Path(path))
    return picture.figure


def save_picture(picture: Picture, path: Path) -> None:
    """Writes a picture in the format of the path's ending.

    The same picture is the same file, to the byte.

    Raises:
        PlotError: The ending is not known, or the file cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise PlotError(f"{path}: a picture's name must end with {', '.join(FORMATS)}")
    settings: dict[str, Any] = {"bbox_inches": "tight", "pad_inches": _MARGIN_IN}
    dots_per_in = _DOTS_PER_IN
    if picture.is_fitted:
        settings = {"bbox_inches": _whole_width(picture.figure)}
        dots_per_in = _PRINTED_DOTS_PER_IN
    metadata = {"Title": picture.title or "Attention", **_NO_DATE.get(ending, {})}
    try:
        with rc_context(_FORMAT_SETTINGS):
            picture.figure.savefig(path, dpi=dots_per_in, metadata=metadata, **settings)
    except OSError as error:
        raise PlotError(f"cannot write {path}: {error.strerror or error}") from error


def check_width_mm(width_mm: float | None) -> None:
    """Refuses a width that no picture can have.

    Raises:
        PlotError: It is not `MIN_WIDTH_MM` to `MAX_WIDTH_MM`.
    """
    if width_mm is not None and not MIN_WIDTH_MM <= width_mm <= MAX_WIDTH_MM:
        raise PlotError(
            f"a picture is {MIN_WIDTH_MM:g} to {MAX_WIDTH_MM:g} mm wide, not {width_mm:g}"
        )


def _draw(
    maps: Mapping[tuple[int, int] | None, Attention], *, title: str, width_mm: float | None
) -> Picture:
    """Draws one map, or one for every (layer, head) in a grid."""
    check_width_mm(width_mm)
    first = next(iter(maps.values()))
    rows, columns = token_labels(first.target_tokens), token_labels(first.source_tokens)
    families, missing = families_for([*rows, *columns, title])
    labels = MapLabels(
        [with_code_points(label, missing) for label in rows],
        [with_code_points(label, missing) for label in columns],
    )
    grid = _grid_size(maps)
    style = MapStyle(_cell_side_in(labels, grid, width_mm), families)
    figure = NotebookFigure(
        figsize=_figure_size(labels, style, grid, width_mm), layout="compressed"
    )
    heading = _wrapped(with_code_points(title, missing), figure.get_size_inches()[0])
    _draw_maps(figure, maps, labels=labels, style=style)
    size = 12 if width_mm is None else max(7.0, style.label_points)
    if heading:
        figure.suptitle(heading, fontfamily=families, fontsize=size, parse_math=False)
    return Picture(figure, missing, title, is_fitted=width_mm is not None)


def _draw_maps(
    figure: Figure,
    maps: Mapping[tuple[int, int] | None, Attention],
    *,
    labels: MapLabels,
    style: MapStyle,
) -> None:
    row_count, column_count = _grid_size(maps)
    grid = figure.subplots(row_count, column_count, squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)
    for place, attention in maps.items():
        axes = grid[place or (0, 0)]
        axes.set_visible(True)
        image = draw_map(axes, attention, labels=labels, style=style)
        if place is not None:
            name = f"layer {place[0]}, head {place[1]}"
            axes.set_title(name, fontsize=max(6.0, 0.9 * style.label_points), color="#444444")
    draw_colour_bar(image, list(grid.flat), row_count=len(labels.rows), style=style)


def _grid_size(maps: Mapping[tuple[int, int] | None, Attention]) -> tuple[int, int]:
    places = [place or (0, 0) for place in maps]
    return 1 + max(layer for layer, _ in places), 1 + max(head for _, head in places)


def _cell_side_in(labels: MapLabels, grid: tuple[int, int], width_mm: float | None) -> float:
    row_count, column_count = grid
    if width_mm is not None:
        beside = 0.25 + 0.06 * max(map(len, labels.rows), default=0)
        for_cells = max(0.3, width_mm / MM_PER_IN - 0.6) / column_count - beside
        return max(0.01, min(_LARGEST_CELL_IN, for_cells / max(len(labels.columns), 1)))
    longest = max(len(labels.rows) * row_count, len(labels.columns) * column_count, 1)
    side = min(_LARGEST_CELL_IN, max(_SMALLEST_CELL_IN, 8.0 / longest))
    return min(side, _LONGEST_SIDE_IN / longest)


def _figure_size(
    labels: MapLabels, style: MapStyle, grid: tuple[int, int], width_mm: float | None
) -> tuple[float, float]:
    row_count, column_count = grid
    width, height = map_size_in(labels, style)
    if width_mm is None:
        return width * column_count, height * row_count + _TITLE_IN
    # Tall enough that the width alone decides the size of the cells; what is left is cut off.
    return width_mm / MM_PER_IN, 1.3 * height * row_count + 2 * _TITLE_IN


def _whole_width(figure: Figure) -> Bbox:
    """The figure's whole width, and as much of its height as is drawn on."""
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()  # places everything
    drawn = figure.get_tightbbox(canvas.get_renderer())
    return Bbox.from_extents(
        0.0,
        drawn.y0 - _PRINTED_MARGIN_IN,
        figure.get_size_inches()[0],
        drawn.y1 + _PRINTED_MARGIN_IN,
    )


def _wrapped(text: str, width_in: float) -> str:
    """At most three lines of what fits above a map, at about 9 characters an inch."""
    characters = max(30, math.floor((width_in - 0.6) * 9))
    return "\n".join(
        textwrap.fill(line, characters, max_lines=3, placeholder=" …") for line in text.split("\n")
    )
