"""Picture files as models read them; the gateway and training use the same.

Pillow decodes them. It is loaded when the first picture is read.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from heed.contract import ImageInput

if TYPE_CHECKING:
    from PIL import Image

_FORMATS: Final = ("PNG", "JPEG")
_WHITE: Final = (255, 255, 255, 255)
_MODES: Final = {1: "L", 3: "RGB"}
_SIXTEEN_TO_EIGHT_BITS: Final = 257


class PictureError(ValueError):
    """A picture cannot be read, or is too large; the message begins with "must"."""


@dataclass(frozen=True, slots=True, eq=False)
class ScaledPicture:
    """A picture at the height that a model reads.

    Attributes:
        columns: Its columns of pixels from the left, each from the top: uint8 [W, H, C].
        width: Width of the picture itself, turned upright, in pixels.
        height: Its height, likewise.
    """

    columns: NDArray[np.uint8]
    width: int
    height: int


def read_picture(content: bytes, image: ImageInput, *, max_pixels: int) -> ScaledPicture:
    """Decodes a PNG or JPEG file, turns it upright and scales it to a model's height.

    Transparent parts lie on white. A picture that has the model's height already is not changed.

    Args:
        content: The file.
        image: What pictures the model reads.
        max_pixels: The most pixels, looked at before anything is decoded.

    Raises:
        PictureError: It is no such file, is damaged, or has too many pixels, or is too wide for
            its height.
    """
    picture = _opened(content, max_pixels)
    try:
        upright = _upright(picture)
        width, height = upright.size
        scaled_width = _scaled_width(width, height, image)
        pixels = _eight_bits(upright, _MODES[image.channel_count])
    except PictureError:
        raise
    except Exception as error:  # whatever a decoder meets in a damaged file
        raise PictureError("must be a whole PNG or JPEG file; this one is damaged") from error
    if pixels.size != (scaled_width, image.height):
        pixels = pixels.resize((scaled_width, image.height), _filters().BILINEAR)
    rows = np.asarray(pixels, np.uint8).reshape(image.height, scaled_width, image.channel_count)
    return ScaledPicture(np.ascontiguousarray(rows.transpose(1, 0, 2)), width, height)


def _filters() -> Any:
    from PIL import Image

    return Image.Resampling


def _opened(content: bytes, max_pixels: int) -> Image.Image:
    """The picture's header; nothing is decoded yet."""
    from PIL import Image

    try:
        picture = Image.open(io.BytesIO(content), formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(f"must have at most {max_pixels} pixels, and has far more") from error
    except Exception as error:  # no picture, or a header that no decoder knows what to do with
        raise PictureError("must be a PNG or JPEG file") from error
    width, height = picture.size
    if width * height > max_pixels:
        raise PictureError(
            f"must have at most {max_pixels} pixels, has {width} x {height} = {width * height}"
        )
    return picture


def _upright(picture: Image.Image) -> Image.Image:
    from PIL import ImageOps

    return ImageOps.exif_transpose(picture)


def _scaled_width(width: int, height: int, image: ImageInput) -> int:
    scaled = max(1, round(width * image.height / height))
    if scaled > image.max_width:
        raise PictureError(
            f"must be at most {image.max_width / image.height:.3g} times as wide as high for this "
            f"model, is {width} x {height} pixels"
        )
    return scaled


def _eight_bits(picture: Image.Image, mode: str) -> Image.Image:
    """The picture as 8-bit brightness or colours, on white where it is transparent."""
    from PIL import Image

    if picture.mode.startswith("I"):  # 16 bits, which Pillow would cut off at 255
        wide = np.asarray(picture, np.int64) // _SIXTEEN_TO_EIGHT_BITS
        picture = Image.fromarray(np.clip(wide, 0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, _WHITE)
        picture = Image.alpha_composite(paper, picture)
    return picture.convert(mode)
