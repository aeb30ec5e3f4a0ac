import numpy as np
import pytest

from model_export.export.batching import merged, row_of


def ids(rows: list[list[int]]) -> np.ndarray:
    return np.array(rows, np.int32)


def lengths(*values: int) -> np.ndarray:
    return np.array(values, np.int32)


def test_each_request_is_padded_with_its_own_first_element_not_each_rows() -> None:
    batch = merged(
        [
            {"tokens": ids([[7, 8], [9, 9]]), "lengths": lengths(2, 1)},
            {"tokens": ids([[4, 5, 6, 7]]), "lengths": lengths(4)},
        ]
    )
    assert batch["tokens"].tolist() == [[7, 8, 7, 7], [9, 9, 7, 7], [4, 5, 6, 7]]
    assert batch["lengths"].tolist() == [2, 1, 4]


def test_a_wider_neighbour_pads_every_row() -> None:
    batch = merged([{"tokens": ids([[7, 8]])}, {"tokens": ids([[4, 5]])}], widen=1)
    assert batch["tokens"].tolist() == [[7, 8, 7], [4, 5, 4]]


def test_an_empty_array_beside_one_with_elements_is_refused_as_the_server_does() -> None:
    with pytest.raises(ValueError, match="empty array"):
        merged([{"prefix_tokens": ids([[]])}, {"prefix_tokens": ids([[5]])}])


def test_empty_arrays_alone_stay_empty() -> None:
    batch = merged([{"prefix_tokens": ids([[]])}, {"prefix_tokens": ids([[]])}], widen=3)
    assert batch["prefix_tokens"].shape == (2, 0)


def test_a_row_of_its_own_is_as_wide_as_its_lengths_say() -> None:
    request = row_of(
        {
            "tokens": ids([[1, 2, 3], [4, 5, 6]]),
            "lengths": lengths(3, 2),
            "prefix_tokens": ids([[9, 9], [9, 9]]),
            "prefix_lengths": lengths(2, 0),
        },
        1,
    )
    assert request["tokens"].tolist() == [[4, 5]]
    assert request["lengths"].tolist() == [2]
    assert request["prefix_tokens"].shape == (1, 1)
