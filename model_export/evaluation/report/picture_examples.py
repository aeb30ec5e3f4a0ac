"""Pictures as the model reads them, with what it looked at."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

from heed.contract import AttentionLayer, ImageInput
from heed.figures.image_maps import PictureFrame, image_maps
from heed.figures.markup import element, void_element
from model_export.data.pictures import Picture
from model_export.evaluation.report import page
from model_export.evaluation.report.picture_reading import PictureReading


def picture_maps(picture: Picture, reading: PictureReading | None, image: ImageInput) -> str:
    """The picture once for each token, with a map of where the model looked.

    Args:
        picture: What was read.
        reading: Where the model looked; None = the picture alone.
        image: The grid over it.
    """
    if reading is None:
        return shown_picture(picture)
    name = "where the model looked"
    maps = image_maps(_frame(picture, image), reading.weights, reading.rows, name)
    return page.scrolled(maps, name)


def heads_of_picture(
    picture: Picture,
    reading: PictureReading,
    *,
    image: ImageInput,
    layers: Sequence[AttentionLayer],
) -> str:
    """Where every head looked in one picture; empty of a model with one head."""
    if reading.heads.shape[:2] == (1, 1):
        return ""
    names = [
        (f"layer {layer.layer_index}, head {head}", weights)
        for layer, heads in zip(layers, reading.heads, strict=True)
        for head, weights in enumerate(heads)
    ]
    maps = [
        page.figure(image_maps(_frame(picture, image), weights, reading.rows, name), name)
        for name, weights in names
    ]
    shown = page.scrolled("".join(maps), "every head")
    return element("h3", "One example") + page.note("Every head at one example.") + shown


def shown_picture(picture: Picture) -> str:
    """A picture as the model reads it, in the page itself."""
    data = base64.b64encode(_png(picture)).decode()
    return void_element(
        "img",
        src=f"data:image/png;base64,{data}",
        alt="the picture that is to be read",
        class_="picture",
    )


def _frame(picture: Picture, image: ImageInput) -> PictureFrame:
    height, width = picture.pixels.shape[:2]
    return PictureFrame(_png(picture), width, height, image.cell_width, image.cell_height)


def _png(picture: Picture) -> bytes:
    from PIL import Image

    pixels = picture.pixels
    content = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(content, "PNG")
    return content.getvalue()
