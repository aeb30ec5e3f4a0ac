"""Smaller forms of weights, beside loops that say the same in plain Python."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from service.domain.answers import PLAIN, Packing, WeightFormat
from service.pipeline.attention_packing import pack_weights

VALUES = st.one_of(st.floats(-1, 1, width=32), st.sampled_from([0.0, -0.0, 0.5, 1.0]))
MATRICES = nps.arrays(np.float32, st.tuples(st.integers(0, 6), st.integers(1, 9)), elements=VALUES)


@given(MATRICES, st.integers(1, 12))
def test_the_largest_come_first_and_of_equal_ones_the_earlier(
    weights: np.ndarray, count: int
) -> None:
    packed = pack_weights(weights, Packing(top_weights=count))
    expected = [
        sorted(range(len(row)), key=lambda column, row=row: (-row[column], column))[:count]
        for row in weights.tolist()
    ]
    assert packed.columns is not None
    assert packed.columns.tolist() == expected
    chosen = [[row[c] for c in columns] for row, columns in zip(weights, expected, strict=True)]
    assert packed.weights.tolist() == [[float(weight) for weight in row] for row in chosen]


@given(st.floats(0, 1, width=32))
def test_16_bits_are_as_near_as_the_proto_says(weight: float) -> None:
    packing = Packing(weight_format=WeightFormat.FLOAT16)
    packed = pack_weights(np.array([[weight]], np.float32), packing)
    assert packed.columns is None
    (read,) = struct.unpack("<e", packed.weights.tobytes())
    assert abs(read - weight) <= (0.0005 * weight if weight >= 1e-4 else 3e-8)


@given(nps.arrays(np.float32, (20,), elements=st.floats(-1, 1, width=32)))
def test_16_bits_are_those_of_ieee_754_to_the_bit(weights: np.ndarray) -> None:
    matrix = weights[None] * np.float32(2.0) ** np.arange(-26, -6, dtype=np.float32)
    packed = pack_weights(matrix, Packing(weight_format=WeightFormat.FLOAT16))
    expected = [struct.pack("<e", float(weight)) for weight in matrix.ravel()]
    assert packed.weights.tobytes() == b"".join(expected)


def test_the_plain_form_is_the_matrix_itself() -> None:
    weights = np.ones((2, 3), np.float32)
    packed = pack_weights(weights, PLAIN)
    assert packed.weights is weights
    assert PLAIN.is_plain
    assert not Packing(top_weights=1).is_plain


def test_both_forms_go_together() -> None:
    weights = np.array([[0.1, 0.7, 0.2]], np.float32)
    packed = pack_weights(weights, Packing(2, WeightFormat.FLOAT16))
    assert packed.columns.tolist() == [[1, 2]]
    assert packed.weights.dtype == np.dtype("<f2")
    assert packed.weights.tolist()[0] == pytest.approx([0.7, 0.2], rel=math.ldexp(1, -11))
