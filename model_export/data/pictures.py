"""Pictures as models read them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PixelArray = NDArray[np.uint8]


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
