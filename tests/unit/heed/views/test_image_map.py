"""Maps over a picture."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from heed.client.captioned import ImageAttention, ImageGrid
from heed.client.results import Token, TokenKind
from heed.views.errors import PlotError
from heed.views.image_map import draw_image_maps

GRID = ImageGrid(40, 16, column_count=3, row_count=2, cell_width=16.0, cell_height=8.0)


def picture(width: int = 40, height: int = 16) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (width, height), (255, 255, 255)).save(content, "PNG")
    return content.getvalue()


def attention(*, image: bytes | None = None, tokens: int = 2) -> ImageAttention:
    weights = np.zeros((tokens, 2, 3), np.float32)
    weights[0, 1, 0] = 0.75
    weights[0, 0, 2] = 0.25
    weights[1:, 0, 1] = 1.0
    written = [Token(4 + i, str(i), i, i + 1) for i in range(tokens - 1)]
    end = Token(3, "", tokens - 1, tokens - 1, TokenKind.END)
    return ImageAttention(
        (*written, end), GRID, weights, image=picture() if image is None else image
    )


def test_every_token_has_a_picture_with_its_own_map() -> None:
    drawn = draw_image_maps(attention(), title="a title")

    first, second = drawn.figure.axes
    assert first.get_title() == "0   75%"
    assert second.get_title().endswith("100%")
    assert drawn.figure.get_suptitle() == "a title"
    page, weights = first.get_images()
    assert page.get_extent() == [0, 40, 16, 0]
    assert weights.get_extent() == [0, 48, 16, 0]  # the last column reaches beyond the edge
    assert (first.get_xlim(), first.get_ylim()) == ((0, 40), (16, 0))
    shades = weights.get_array()[:, :, 3]
    assert shades[1, 0] == pytest.approx(0.65)
    assert shades[0, 2] == pytest.approx(0.65 / 3)
    assert np.count_nonzero(shades) == 2


def test_a_places_colour_lies_where_the_place_is(tmp_path: Path) -> None:
    path = tmp_path / "map.png"
    figure = attention().plot(path)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    axes = figure.axes[0]
    drawn = np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGB")).astype(int)
    assert drawn.shape[1] > 300
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)

    def colour_at(x: float, y: float) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        across, up = axes.transData.transform((x, y))
        return pixels[pixels.shape[0] - 1 - int(up), int(across)]

    assert colour_at(8, 12)[2] < 120  # the darkest place has little blue
    assert (colour_at(8, 4) == 255).all()
    assert colour_at(36, 4)[2] < 250


def test_after_many_tokens_no_more_are_drawn() -> None:
    drawn = draw_image_maps(attention(tokens=70))

    assert sum(bool(axes.get_images()) for axes in drawn.figure.axes) == 64


def test_a_picture_that_is_not_the_one_is_refused() -> None:
    with pytest.raises(PlotError, match="its size differs"):
        draw_image_maps(attention(image=picture(41)))
    with pytest.raises(PlotError, match="cannot be read"):
        draw_image_maps(attention(image=b"no picture"))
