"""Pictures on their way through the gateway."""

from __future__ import annotations

import numpy as np
import pytest

from heed.contract import ImageInput
from heed.pictures import ScaledPicture
from service.batching.padding import stack_rows
from service.domain.answers import Token, TokenKind
from service.errors import InvalidRequestError
from service.pipeline.attention_words import rows_of_words, word_axis
from service.pipeline.captioning import grid_over
from service.pipeline.limits import check_bytes
from service.pipeline.rows import picture_inputs

IMAGE = ImageInput(height=8, max_width=40, cell_height=4, cell_width=4)


def columns(width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((width, 8, 1), width, np.uint8)


def test_pictures_of_several_widths_make_one_batch() -> None:
    batch = stack_rows([picture_inputs(columns(width)) for width in (3, 5)])

    assert batch["images"].shape == (2, 5, 8, 1)
    assert batch["images"].dtype == np.uint8
    assert batch["widths"].tolist() == [3, 5]
    assert (batch["images"][0, :3] == 3).all()
    assert not batch["images"][0, 3:].any()


def test_the_grid_is_scaled_back_to_the_picture() -> None:
    grid = grid_over(ScaledPicture(columns(9), width=18, height=16), IMAGE)

    assert (grid.column_count, grid.row_count) == (3, 2)
    assert (grid.cell_width, grid.cell_height) == (8.0, 8.0)
    assert (grid.image_width, grid.image_height) == (18, 16)


def test_rows_of_words_are_means_of_their_pieces() -> None:
    pieces = [
        Token(5, "two", 0, 3, TokenKind.TEXT, -0.1),
        Token(6, " do", 3, 6, TokenKind.TEXT, -0.2),
        Token(7, "gs", 6, 8, TokenKind.TEXT, -0.3),
        Token(3, "", 8, 8, TokenKind.END, -0.1),
    ]
    weights = np.array([[1, 0], [0.5, 0.5], [0, 1], [0.2, 0.8]], np.float32)

    words = word_axis("two dogs", pieces)

    np.testing.assert_allclose(
        rows_of_words(weights, words), [[1, 0], [0.25, 0.75], [0.2, 0.8]], atol=1e-6
    )


def test_files_beyond_the_limit_are_named_all_at_once() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check_bytes("images", [b"", b"ok", b"too long"], 4)

    assert [(each.field, each.description) for each in caught.value.violations] == [
        ("images[0].content", "must be a file of 1 to 4 bytes, got 0"),
        ("images[2].content", "must be a file of 1 to 4 bytes, got 8"),
    ]
