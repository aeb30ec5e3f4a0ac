"""Maps over a picture: where a model looked for each token that it wrote.

Drawn with matplotlib (`pip install "heed[plot]"`).
"""

from __future__ import annotations

import io
import math
from typing import Any, Final

import numpy as np

from heed.client.captioned import ImageAttention, ImageGrid
from heed.views.errors import PlotError
from heed.views.labels import token_labels
from heed.views.picture import NotebookFigure, Picture

try:
    from matplotlib import colormaps
    from PIL import Image, ImageOps

    from heed.views.fonts import families_for, with_code_points
except ModuleNotFoundError as error:
    raise PlotError('pictures need matplotlib: pip install "heed[plot]"') from error

_COLOUR_MAP: Final = "YlOrRd"
_STRONGEST: Final = 0.65
"""How much of the picture the largest weight of a token hides, 0 to 1."""
_PANEL_WIDTH_IN: Final = 2.4
_PANEL_HEIGHT_IN: Final = 2.4
_LABEL_IN: Final = 0.35
_TITLE_IN: Final = 0.45
_MOST_COLUMNS: Final = 4
_MOST_PANELS: Final = 64
_DOTS_PER_IN: Final = 150
_MOST_PIXELS: Final = 64 * 1024 * 1024
_WHITE: Final = (255, 255, 255, 255)


def draw_image_maps(attention: ImageAttention, *, title: str = "") -> Picture:
    """Draws the picture once for each token, the darker a place the more it counted for the token.

    Each map has its own scale: its darkest place is its largest weight, which is written beside
    the token. After 64 tokens no more are drawn.

    Args:
        attention: What to draw; holds the picture.
        title: What to write above.

    Raises:
        PlotError: The picture cannot be read.
    """
    pixels = _pixels(attention)
    labels = token_labels(attention.target_tokens)[:_MOST_PANELS]
    families, missing = families_for([*labels, title])
    height, width = pixels.shape[:2]
    scale = min(_PANEL_WIDTH_IN / width, _PANEL_HEIGHT_IN / height)
    panel = width * scale, height * scale + _LABEL_IN
    columns = max(1, min(_MOST_COLUMNS, len(labels)))
    rows = math.ceil(len(labels) / columns)
    figure = NotebookFigure(
        figsize=(
            columns * max(panel[0], 1.0) * 1.08,
            rows * panel[1] * 1.08 + _TITLE_IN * bool(title),
        ),
        dpi=_DOTS_PER_IN,
        layout="constrained",
    )
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, label, weights in zip(grid.flat, labels, attention.weights, strict=False):
        _draw(axes, pixels, weights, attention.grid)
        axes.set_title(
            f"{with_code_points(label, missing)}   {float(weights.max()):.0%}",
            fontfamily=families,
            fontsize=10,
            parse_math=False,
        )
    if title:
        figure.suptitle(
            with_code_points(title, missing), fontfamily=families, fontsize=12, parse_math=False
        )
    return Picture(figure, missing, title)


def _draw(axes: Any, pixels: Any, weights: Any, grid: ImageGrid) -> None:
    """The picture in pale grey, and the weights of its places over it."""
    height, width = pixels.shape[:2]
    edges = (0, width, height, 0)
    axes.imshow(pixels, extent=edges, aspect="equal", interpolation="nearest")
    shares = weights / max(float(weights.max()), np.finfo(np.float32).tiny)
    over = colormaps[_COLOUR_MAP](0.15 + 0.75 * shares)
    over[..., 3] = _STRONGEST * shares
    # Places reach beyond the picture's edge; the axes cut them off there.
    axes.imshow(
        over,
        extent=(0, grid.column_count * grid.cell_width, grid.row_count * grid.cell_height, 0),
        aspect="equal",
        interpolation="nearest",
    )
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)


def _pixels(attention: ImageAttention) -> Any:
    """The picture upright, uint8 [height, width, 3], of the size that the grid says."""
    grid = attention.grid
    if grid.image_width * grid.image_height > _MOST_PIXELS:
        raise PlotError(f"a picture to draw on has at most {_MOST_PIXELS} pixels")
    try:
        with Image.open(io.BytesIO(attention.image), formats=("PNG", "JPEG")) as file:
            upright = ImageOps.exif_transpose(file)
            if upright.size != (grid.image_width, grid.image_height):
                raise PlotError("the picture is not the one that was answered: its size differs")
            wide = upright.convert("RGBA")
    except PlotError:
        raise
    except Exception as error:  # whatever a decoder meets in a damaged file
        raise PlotError("the picture to draw on cannot be read") from error
    paper = Image.new("RGBA", wide.size, _WHITE)
    return np.asarray(Image.alpha_composite(paper, wide).convert("RGB"))
