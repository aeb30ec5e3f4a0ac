"""Rows of different lengths as one matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from heed.contract import SPECIAL_IDS


def padded(rows: Sequence[Sequence[int]]) -> npt.NDArray[np.int32]:
    """Token ids of one row or more, int32 [B, S], with `pad` behind the shorter ones."""
    matrix = np.full([len(rows), max(map(len, rows))], SPECIAL_IDS.pad, np.int32)
    for index, row in enumerate(rows):
        matrix[index, : len(row)] = row
    return matrix
