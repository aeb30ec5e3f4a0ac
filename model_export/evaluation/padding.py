"""Rows of different lengths as one matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from heed.contract import SPECIAL_IDS


def padded(rows: Sequence[Sequence[int]]) -> npt.NDArray[np.int32]:
    """Token ids of one row or more, int32 [B, S], with `pad` behind the shorter ones."""
    matrix = np.full([len(rows), max(map(len, rows))], SPECIAL_IDS.pad, np.int32)
    for index, row in enumerate(rows):
        matrix[index, : len(row)] = row
    return matrix


def padded_arrays(
    rows: Sequence[npt.NDArray[Any]],
) -> tuple[npt.NDArray[Any], npt.NDArray[np.int32]]:
    """Arrays of one row or more that differ in dimension 0, as one array with their lengths.

    Args:
        rows: Token ids int32 [S], or columns of pixels uint8 [W, H, C].

    Returns:
        All rows, [B, S] or [B, W, H, C], with `pad` behind the shorter ones; int32 [B].
    """
    lengths = np.array([len(row) for row in rows], np.int32)
    array = np.full([len(rows), lengths.max(), *rows[0].shape[1:]], SPECIAL_IDS.pad, rows[0].dtype)
    for index, row in enumerate(rows):
        array[index, : len(row)] = row
    return array, lengths
