"""How many weights make which Transformer."""

from __future__ import annotations

import pytest

from benchmarks.ctranslate2_model import CannotConvertError, Shape, shape_of


@pytest.mark.parametrize(
    ("weights", "decoder_layers", "shape"),
    [
        (1 + 4 * 16 + 2 + 4 * 26 + 2, 4, Shape(4, 4, is_pre_norm=True)),
        (1 + 2 * 16 + 3 * 26, 3, Shape(2, 3, is_pre_norm=False)),
    ],
)
def test_the_number_of_weights_tells_the_stacks(
    weights: int, decoder_layers: int, shape: Shape
) -> None:
    assert shape_of(weights, decoder_layers=decoder_layers) == shape


@pytest.mark.parametrize("weights", [1, 27, 50])
def test_other_numbers_are_refused(weights: int) -> None:
    with pytest.raises(CannotConvertError, match="no Transformer"):
        shape_of(weights, decoder_layers=1)
