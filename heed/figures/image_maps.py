"""Weights over a picture as SVG: the picture once for each token, coloured where it was seen."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from heed.figures.heat_map import COLOUR, FONT
from heed.figures.markup import element, escaped, number
from heed.figures.text_width import shortened

Weights = npt.NDArray[np.floating[Any]]

_FAMILY: Final = "system-ui, 'Noto Sans', 'DejaVu Sans', sans-serif"
_SIDE: Final = 180.0
_GAP: Final = 14.0
_LABEL: Final = 20.0
_MOST_COLUMNS: Final = 4
MOST_TOKENS: Final = 64
"""After so many tokens no more are drawn; a line says so."""
_STRONGEST: Final = 0.75
_LEAST_DRAWN: Final = 0.02
_JPEG: Final = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class PictureFrame:
    """A picture with a grid over it.

    Attributes:
        file: The picture's file, PNG or JPEG; empty if it is not at hand.
        width: Its width in pixels, upright.
        height: Its height, likewise.
        cell_width: Width of a place of the grid, in these pixels.
        cell_height: Height of a place, likewise.
    """

    file: bytes
    width: int
    height: int
    cell_width: float
    cell_height: float

    @property
    def scale(self) -> float:
        """What makes the picture fit its panel."""
        return min(_SIDE / self.width, _SIDE / self.height)

    @property
    def url(self) -> str:
        """The file as a data URL."""
        kind = "jpeg" if self.file.startswith(_JPEG) else "png"
        return f"data:image/{kind};base64,{base64.b64encode(self.file).decode()}"


def image_maps(frame: PictureFrame, weights: Weights, labels: Sequence[str], name: str) -> str:
    """Draws a picture once for each token, the stronger coloured the more a place counted.

    Each map has its own scale: its strongest colour is its largest weight, which is written beside
    the token. The picture is in the markup once.

    Args:
        frame: The picture.
        weights: Float [T, rows, columns], each 0 to 1.
        labels: T labels.
        name: What is shown, for those who do not see it.

    Returns:
        An `svg` element. Each place tells its weight when it is pointed at, and the description
        holds the place of the largest weight for each token.
    """
    shown = list(labels[:MOST_TOKENS])
    panel_width, panel_height = _panel_size(frame)
    columns = max(1, min(_MOST_COLUMNS, len(shown)))
    rows = math.ceil(len(shown) / columns)
    more = len(labels) > MOST_TOKENS
    identity = _identity(frame, weights)
    panels = [
        element(
            "g",
            *_panel(frame, weights[index], label, identity),
            transform=f"translate({number((index % columns) * (panel_width + _GAP))} "
            f"{number((index // columns) * (panel_height + _GAP))})",
        )
        for index, label in enumerate(shown)
    ]
    height = rows * (panel_height + _GAP) - _GAP * (not more) + 16 * more
    return element(
        "svg",
        element("title", escaped(name)),
        element("desc", escaped(_description(weights, shown))),
        *([element("defs", _image(frame, identity))] if frame.file else []),
        *panels,
        *([_note(len(shown), len(labels), height - 4)] * more),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(columns * (panel_width + _GAP) - _GAP)} {number(height)}",
        width=round(columns * (panel_width + _GAP) - _GAP),
        height=round(height),
        role="img",
        fill="currentColor",
        font_family=_FAMILY,
        font_size=FONT,
        style="max-width:100%;height:auto",
    )


def _panel_size(frame: PictureFrame) -> tuple[float, float]:
    return max(frame.width * frame.scale, 72.0), frame.height * frame.scale + _LABEL


def _identity(frame: PictureFrame, weights: Weights) -> str:
    """Different for every figure of a page."""
    digest = hashlib.sha256(frame.file + np.ascontiguousarray(weights, np.float32).tobytes())
    return f"picture-{digest.hexdigest()[:12]}"


def _image(frame: PictureFrame, identity: str) -> str:
    return element(
        "image",
        id=identity,
        href=frame.url,
        width=frame.width,
        height=frame.height,
        preserveAspectRatio="none",
        style="image-rendering:pixelated" if frame.scale > 1 else None,
    )


def _panel(frame: PictureFrame, weights: Weights, label: str, identity: str) -> list[str]:
    """A token, and the picture with what was looked at for it."""
    width, height = frame.width * frame.scale, frame.height * frame.scale
    largest = float(weights.max(initial=0.0))
    share = f"{largest:.0%}"
    room = _panel_size(frame)[0] - FONT * 0.62 * len(share) - 8
    return [
        element("text", escaped(shortened(label, room, FONT)), y=FONT, font_weight="600"),
        element(
            "text",
            share,
            x=_panel_size(frame)[0],
            y=FONT,
            text_anchor="end",
            opacity=0.75,
        ),
        element("rect", y=_LABEL, width=width, height=height, fill="#ffffff"),
        *([_use(frame, identity)] if frame.file else []),
        *_places(frame, weights, largest),
    ]


def _use(frame: PictureFrame, identity: str) -> str:
    place = f"translate(0 {_LABEL:g}) scale({frame.scale:.6g})"
    return element("use", href=f"#{identity}", transform=place)


def _places(frame: PictureFrame, weights: Weights, largest: float) -> list[str]:
    """The places that were looked at; what of them lies beyond the picture's edge is cut off."""
    parts = []
    for row, column in zip(*np.nonzero(weights >= _LEAST_DRAWN * (largest or 1.0)), strict=True):
        weight = float(weights[row, column])
        x, y = column * frame.cell_width, row * frame.cell_height
        told = f"row {row + 1}, column {column + 1}: {weight:.3f}"
        parts.append(
            element(
                "rect",
                element("title", told),
                x=x * frame.scale,
                y=_LABEL + y * frame.scale,
                width=max(0.0, min(frame.cell_width, frame.width - x)) * frame.scale,
                height=max(0.0, min(frame.cell_height, frame.height - y)) * frame.scale,
                fill=COLOUR,
                fill_opacity=_STRONGEST * weight / largest,
            )
        )
    return parts


def _description(weights: Weights, labels: Sequence[str]) -> str:
    """The place of the largest weight for each token."""
    return "; ".join(
        f"{label}: {place_of_largest(one)}" for label, one in zip(labels, weights, strict=False)
    )


def place_of_largest(weights: Weights) -> str:
    """Where the largest weight of a map lies, in words: rows and columns from 1.

    Args:
        weights: Float [rows, columns].
    """
    if not weights.size:
        return "nowhere"
    row, column = np.unravel_index(int(weights.argmax()), weights.shape)
    return f"row {row + 1}, column {column + 1}, {weights[row, column]:.2f}"


def _note(shown: int, count: int, y: float) -> str:
    return element("text", f"the first {shown} of {count} tokens", y=y, opacity=0.75)
