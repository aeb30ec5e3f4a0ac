import numpy as np

from service.batching.padding import split_rows, stack_rows


def test_rows_are_padded_behind_their_end() -> None:
    stacked = stack_rows(
        [
            {"tokens": np.array([5, 6, 7]), "lengths": np.array(3)},
            {"tokens": np.array([8]), "lengths": np.array(1)},
        ]
    )
    assert stacked["tokens"].tolist() == [[5, 6, 7], [8, 0, 0]]
    assert stacked["lengths"].tolist() == [3, 1]
    assert {array.dtype for array in stacked.values()} == {np.dtype(np.int32)}


def test_an_input_without_entries_keeps_its_rows() -> None:
    stacked = stack_rows([{"prefix": np.array([], np.int32)}] * 3)
    assert stacked["prefix"].shape == (3, 0)


def test_outputs_are_split_by_row() -> None:
    outputs = {"scores": np.array([[1.0], [2.0]]), "lengths": np.array([3, 4])}
    rows = split_rows(outputs, 2)
    assert [row["scores"].tolist() for row in rows] == [[1.0], [2.0]]
    assert [int(row["lengths"]) for row in rows] == [3, 4]
