"""Pictures as models read them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from heed.contract import ImageInput
from heed.pictures import PictureError, read_picture
from model_export.errors import DataError

PixelArray = NDArray[np.uint8]
MAX_PIXELS: Final = 64 * 1024 * 1024
"""The most pixels of a picture that is learned from."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A picture at the height that its model reads.

    Attributes:
        columns: Its columns of pixels from the left, each from the top: uint8 [W, H, C].
    """

    columns: PixelArray

    @staticmethod
    def of(pixels: PixelArray) -> Picture:
        """A picture out of rows of pixels, uint8 [H, W, C]."""
        return Picture(np.ascontiguousarray(pixels.transpose(1, 0, 2)))

    @staticmethod
    def read(path: Path, image: ImageInput) -> Picture:
        """A picture out of a PNG or JPEG file, as the gateway would read it.

        Raises:
            DataError: The file is missing, no picture, or one that the model cannot read.
        """
        try:
            content = path.read_bytes()
            return Picture(read_picture(content, image, max_pixels=MAX_PIXELS).columns)
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror or error}") from error
        except PictureError as error:
            raise DataError(f"{path} {error}") from error

    @property
    def pixels(self) -> PixelArray:
        """Its rows of pixels from the top, uint8 [H, W, C]."""
        return self.columns.transpose(1, 0, 2)

    @property
    def sha256(self) -> str:
        """Fingerprint of its size and pixels."""
        return hashlib.sha256(
            repr(self.columns.shape).encode() + self.columns.tobytes()
        ).hexdigest()
