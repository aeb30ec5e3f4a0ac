"""Requests merged into one batch, exactly as TensorFlow Serving's own batching does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from heed.contract import IMAGES_INPUT, WIDTHS_INPUT

Array = np.ndarray[Any, Any]
Arrays = dict[str, Array]

WIDER: Final = 5
"""Columns of padding that the batches of a check have beyond their longest row."""
SEED: Final = 7
"""Of the order of their rows."""

_LENGTHS_OF = {
    "tokens": "lengths",
    "target_tokens": "target_lengths",
    "prefix_tokens": "prefix_lengths",
    "sentence_ids": "lengths",
    IMAGES_INPUT: WIDTHS_INPUT,
}


def source_of(inputs: Mapping[str, Array]) -> Arrays:
    """The inputs that hold the source: tokens or pictures, and how long each row is."""
    names = (IMAGES_INPUT, WIDTHS_INPUT) if IMAGES_INPUT in inputs else ("tokens", "lengths")
    return {name: inputs[name] for name in names}


def source_lengths(inputs: Mapping[str, Array]) -> Array:
    """Real tokens, or columns of pixels, of each row: int32 [B]."""
    return inputs[WIDTHS_INPUT if WIDTHS_INPUT in inputs else "lengths"]


def row_of(inputs: Mapping[str, Array], row: int) -> Arrays:
    """One row as a request of its own: as wide as its own lengths say, at least one column."""
    request = {name: array[row : row + 1] for name, array in inputs.items()}
    for name, lengths_name in _LENGTHS_OF.items():
        if name in request:
            request[name] = request[name][:, : max(1, int(request[lengths_name][0]))]
    return request


def other_orders(rows: int, random: np.random.Generator) -> tuple[list[int], list[int]]:
    """Two orders to check a batch's rows in: from the last to the first, and at random."""
    in_order = list(range(rows))
    return in_order[::-1], [int(row) for row in random.permutation(in_order)]


def merged(requests: Sequence[Mapping[str, Array]], *, widen: int = 0) -> Arrays:
    """One batch of all requests' rows, in order.

    Every request's array is padded behind its end with that array's own first element.

    Args:
        requests: Inputs by name, the same names in each.
        widen: Columns to pad beyond the widest request, as a wider neighbour would cause.

    Raises:
        ValueError: An empty array would have to be padded; the server refuses such a batch.
    """
    return {name: _joined([request[name] for request in requests], widen) for name in requests[0]}


def _joined(arrays: Sequence[Array], widen: int) -> Array:
    if arrays[0].ndim == 1:
        return np.concatenate(arrays)
    width = max(array.shape[1] for array in arrays)
    width += widen if width else 0
    return np.concatenate([_padded(array, width) for array in arrays])


def _padded(array: Array, width: int) -> Array:
    missing = width - array.shape[1]
    if missing and not array.size:
        raise ValueError("an empty array cannot be padded: it has no first element")
    if not missing:
        return array
    margins = [(0, 0), (0, missing), *[(0, 0)] * (array.ndim - 2)]
    return np.pad(array, margins, constant_values=array.flat[0])
