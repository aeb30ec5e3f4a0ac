"""Strips of handwritten digits: pictures, always the same, drawn from the digits in Heed."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from model_export.data.examples import Example, ExampleSet, Split, take_evenly
from model_export.data.pictures import Picture
from model_export.errors import DataError

FILE_NAME: Final = "digits.csv.gz"
STRIP_HEIGHT: Final = 24
"""Height of a strip, in pixels."""
MAX_STRIP_WIDTH: Final = 160
"""No strip is wider, in pixels."""
MAX_DIGITS: Final = 6
"""The most digits of a strip; there is always one."""
STRIP_COUNTS: Final = {Split.TRAIN: 16_000, Split.DEV: 500, Split.TEST: 1_000}
"""How many strips there are."""

_SIDE: Final = 8
_INK: Final = 16.0
_PAPER: Final = (190.0, 255.0)
_PEN: Final = (0.0, 90.0)
_NOISE: Final = 10.0

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class _Digits:
    """Digits as they were written: ink 0 to 1, float [N, 8, 8], and what each is, int [N]."""

    ink: FloatArray
    labels: NDArray[np.int64]


def load_digit_strips(
    data_dir: Path | None = None, *, limits: Mapping[Split, int | None] | None = None
) -> ExampleSet:
    """Draws strips of one to six digits, side by side with varying size, slant, place and light.

    No digit as it was written is in two splits; who wrote it may be.

    Args:
        data_dir: A folder with `digits.csv.gz`; none = the copy in Heed.
        limits: The most strips of a split, taken evenly over it; none = all. Others are not drawn.

    Raises:
        DataError: The file is missing, or is not what it should be.
    """
    digits = _read_digits(data_dir)
    places = np.arange(len(digits.labels)) % 10
    parts = {Split.TEST: places == 0, Split.DEV: places == 1, Split.TRAIN: places > 1}
    strips = {
        split: tuple(
            _strip(
                _Digits(digits.ink[part], digits.labels[part]), f"{split}-{index}", [number, index]
            )
            for index in take_evenly(range(STRIP_COUNTS[split]), (limits or {}).get(split))
        )
        for number, (split, part) in enumerate(parts.items())
    }
    return ExampleSet(strips[Split.TRAIN], strips[Split.DEV], strips[Split.TEST])


def _read_digits(data_dir: Path | None) -> _Digits:
    path: Any = resources.files("model_export") / "data" / "digits" / FILE_NAME
    if data_dir is not None:
        path = data_dir / FILE_NAME
        if not path.is_file():
            raise DataError(f"there is no {FILE_NAME} in the data folder {data_dir}")
    try:
        text = gzip.decompress(path.read_bytes()).decode()
        table = np.loadtxt(io.StringIO(text), delimiter=",", ndmin=2)
    except (OSError, EOFError, ValueError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    if table.shape[1] != _SIDE * _SIDE + 1 or len(table) < 10 * MAX_DIGITS:
        raise DataError(f"{path} has no lines of {_SIDE * _SIDE} numbers and a digit")
    return _Digits(table[:, :-1].reshape(-1, _SIDE, _SIDE) / _INK, table[:, -1].astype(np.int64))


def _strip(digits: _Digits, name: str, seed: list[int]) -> Example:
    random = np.random.default_rng(seed)
    chosen = random.integers(len(digits.labels), size=random.integers(1, MAX_DIGITS + 1))
    text = "".join(str(label) for label in digits.labels[chosen])
    pixels = _draw([digits.ink[digit] for digit in chosen], random)
    return Example(name, (text,), picture=Picture.of(pixels[:, :, np.newaxis]))


def _draw(inks: Sequence[FloatArray], random: np.random.Generator) -> NDArray[np.uint8]:
    """A strip, uint8 [height, width]: dark digits on light paper."""
    parts = [_blank(int(random.integers(1, 7)))]
    for ink in inks:
        parts += [_transformed(ink, random), _blank(int(random.integers(0, 6)))]
    cover = np.concatenate(parts, axis=1)[:, :MAX_STRIP_WIDTH]
    paper, pen = random.uniform(*_PAPER), random.uniform(*_PEN)
    noise = random.uniform(0.0, _NOISE) * random.standard_normal(cover.shape)
    return np.clip(np.rint(paper + (pen - paper) * cover + noise), 0, 255).astype(np.uint8)


def _blank(width: int) -> FloatArray:
    return np.zeros([STRIP_HEIGHT, width])


def _transformed(ink: FloatArray, random: np.random.Generator) -> FloatArray:
    """A digit in its own columns, float [height, width]: scaled, slanted and moved up or down."""
    height, width = random.uniform(15.0, 20.0), random.uniform(12.0, 19.0)
    slant, lift = random.uniform(-0.15, 0.15), random.uniform(-2.0, 2.0)
    columns = round(width)
    down, across = np.mgrid[:STRIP_HEIGHT, :columns] + 0.5
    down = down - STRIP_HEIGHT / 2 - lift
    across = across - columns / 2 + slant * down
    return _sampled(ink, (down / height + 0.5) * _SIDE - 0.5, (across / width + 0.5) * _SIDE - 0.5)


def _sampled(ink: FloatArray, rows: FloatArray, columns: FloatArray) -> FloatArray:
    """Values between pixels, by bilinear interpolation; 0 outside."""
    padded = np.pad(ink, 1)
    rows = np.clip(rows + 1.0, 0.0, _SIDE + 1.0)
    columns = np.clip(columns + 1.0, 0.0, _SIDE + 1.0)
    top = np.minimum(rows.astype(int), _SIDE)
    left = np.minimum(columns.astype(int), _SIDE)
    below, right = rows - top, columns - left
    upper = padded[top, left] * (1 - right) + padded[top, left + 1] * right
    lower = padded[top + 1, left] * (1 - right) + padded[top + 1, left + 1] * right
    return upper * (1 - below) + lower * below
