"""Rows into padded batches, and batches back into rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from service.domain.signatures import Array, InputArray

_SENT_AS: Final = {"f": np.float32, "i": np.int32, "u": np.uint8}
"""The number format of an input, by the kind of its numbers: floats, integers, pixels."""


def stack_rows(rows: Sequence[Mapping[str, InputArray]]) -> dict[str, InputArray]:
    """Stacks the inputs of rows.

    Args:
        rows: For each row its inputs by name, integers, floats or bytes, [] or [X, ...]; the
            same names in every row.

    Returns:
        Inputs by name, int32, float32 or uint8, [B] or [B, longest X, ...], filled up with 0.

    Example:
        >>> rows = [{"tokens": np.array([5, 6])}, {"tokens": np.array([7])}]
        >>> stack_rows(rows)["tokens"].tolist()
        [[5, 6], [7, 0]]
    """
    return {name: _stack([row[name] for row in rows]) for name in rows[0]}


def _stack(values: Sequence[InputArray]) -> InputArray:
    dtype = _SENT_AS[values[0].dtype.kind]
    if values[0].ndim == 0:
        return np.array(values, dtype=dtype)
    longest = max(len(value) for value in values)
    padded: InputArray = np.zeros((len(values), longest, *values[0].shape[1:]), dtype=dtype)
    for row, value in zip(padded, values, strict=True):
        row[: len(value)] = value
    return padded


def split_rows(outputs: Mapping[str, Array], row_count: int) -> list[dict[str, Array]]:
    """Splits outputs along dimension 0; the rows are views."""
    return [{name: array[row] for name, array in outputs.items()} for row in range(row_count)]
