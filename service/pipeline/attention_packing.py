"""Matrices of weights in a smaller form. Pure. Letters: T rows, S columns, k weights of a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from service.domain.answers import Packing, WeightFormat
from service.domain.signatures import Array, FloatArray

FLOAT16: Final = np.dtype("<f2")
"""How 16-bit weights travel: IEEE 754 binary16, the lower byte first."""


@dataclass(frozen=True, slots=True)
class PackedWeights:
    """A matrix of weights in a smaller form.

    Attributes:
        columns: The column of each weight, int64 [T, k]; None if every weight is there.
        weights: float32 or float16 [T, k], k = S if every weight is there.
    """

    columns: Array | None
    weights: Array


def pack_weights(weights: FloatArray, packing: Packing) -> PackedWeights:
    """The weights as a packing wants them.

    The largest weights of each row come largest first, and of equal ones the earlier column. They
    are chosen before they are rounded.

    Args:
        weights: float32 [T, S].
        packing: What is wanted; a row with fewer weights than it asks for is sent whole.
    """
    columns = None
    if packing.top_weights is not None:
        columns = _largest(weights, min(packing.top_weights, weights.shape[1]))
        weights = np.take_along_axis(weights, columns, axis=1)
    if packing.weight_format is WeightFormat.FLOAT16:
        return PackedWeights(columns, _as_float16(weights))
    return PackedWeights(columns, weights)


def _as_float16(weights: FloatArray) -> Array:
    """The weights rounded to the nearest 16-bit number, ties to even.

    NumPy takes ten times as long over numbers below 2^-14, of which attention is full. Those are
    whole multiples of 2^-24, and the multiple is what their bits say.
    """
    is_tiny = (weights > 0) & (weights < np.float32(2**-14))
    bits = np.where(is_tiny, np.float32(0), weights).astype(FLOAT16).view("<u2")
    multiples = np.rint(np.where(is_tiny, weights, np.float32(0)) * np.float32(2**24))
    halves: Array = np.where(is_tiny, multiples.astype("<u2"), bits).astype("<u2").view(FLOAT16)
    return halves


def _largest(weights: FloatArray, count: int) -> Array:
    """The columns of the largest weights of each row, int64 [T, count], largest first.

    A float's bits, read as an integer, order as the float does; with the column beneath them no
    two keys of a row are equal, and choosing the largest is several times faster than sorting.
    """
    column_count = weights.shape[1]
    bits = (weights + np.float32(0)).view(np.int32).astype(np.int64)  # + 0: there is only one zero
    bits ^= (bits >> 31) & 0x7FFF_FFFF  # negative floats order the other way round
    keys = (bits << 32) | (column_count - 1 - np.arange(column_count))
    first = column_count - count
    largest = np.partition(keys, first, axis=1)[:, first:] if first else keys
    columns: Array = column_count - 1 - (np.sort(largest, axis=1)[:, ::-1] & 0xFFFF_FFFF)
    return columns
