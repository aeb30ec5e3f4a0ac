from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from model_server.batching.merging import join, merge, request_rows, rows_of, split
from model_server.engine.arrays import ArrayTensor, native, view
from model_server.messages import types_pb2
from model_server.status import Code, StatusError

INT32, INT64, STRING = (
    int(dtype) for dtype in (types_pb2.DT_INT32, types_pb2.DT_INT64, types_pb2.DT_STRING)
)


def numbers(values: Any) -> ArrayTensor:
    return ArrayTensor(INT32, np.asarray(values, "<u4"))


def merged(*parts: Any, rows: int, pad: bool = False) -> list[Any]:
    tensor = merge("x:0", [numbers(part) for part in parts], rows=rows, pad=pad)
    return list(view(tensor).tolist())


def test_rows_are_joined_in_order() -> None:
    assert merged([[1], [2]], [[3]], rows=3) == [[1], [2], [3]]


def test_each_part_is_padded_with_its_own_first_element() -> None:
    assert merged([[5, 6], [7, 8]], [[9, 1, 2]], rows=3, pad=True) == [
        [5, 6, 5],
        [7, 8, 5],
        [9, 1, 2],
    ]


def test_missing_rows_are_copies_of_the_last_parts_first_row() -> None:
    assert merged([1, 2], [3, 4], rows=6) == [1, 2, 3, 4, 3, 3]


def test_missing_rows_are_padded_as_their_part_is() -> None:
    assert merged([[1, 2]], [[3]], rows=3, pad=True) == [[1, 2], [3, 3], [3, 3]]


def test_a_part_without_rows_gives_no_copies() -> None:
    assert merged([[1]], np.zeros([0, 3]), rows=2, pad=True) == [[1, 1, 1], [1, 1, 1]]


def test_a_lone_part_is_not_copied() -> None:
    part = native(INT32, np.array([[1, 2]], "<u4"))
    assert merge("x:0", [part], rows=1, pad=False) is part


def test_strings_are_padded_and_joined() -> None:
    parts = [ArrayTensor(STRING, np.array(rows, object)) for rows in ([[b"a", b"b"]], [[b"c"]])]
    assert merge("x:0", parts, rows=2, pad=True).strings() == [b"a", b"b", b"c", b"c"]


@pytest.mark.parametrize(
    ("parts", "pad", "code", "message"),
    [
        (([[1]], [[1, 2]]), False, Code.FAILED_PRECONDITION, "Tensors with name 'x:0'"),
        (([[1]], [1]), True, Code.INVALID_ARGUMENT, "different ranks"),
        (([[1]], [1]), False, Code.FAILED_PRECONDITION, "padding is turned off"),
        (([[1]], np.zeros([1, 0])), True, Code.INVALID_ARGUMENT, "Got empty tensor"),
        ((np.zeros([1] * 7),), True, Code.INVALID_ARGUMENT, "rank from 1 to 6"),
    ],
)
def test_parts_of_different_shapes_are_refused(
    parts: tuple[Any, ...], pad: bool, code: Code, message: str
) -> None:
    with pytest.raises(StatusError, match=message) as caught:
        merged(*parts, rows=2, pad=pad)
    assert caught.value.code is code


def test_parts_of_different_types_are_refused() -> None:
    other = ArrayTensor(INT64, np.zeros([1, 1], "<u8"))
    with pytest.raises(StatusError, match=r"Tensor concat operation failed: .*DT_INT64") as caught:
        merge("x:0", [numbers([[1]]), other], rows=2, pad=False)
    assert caught.value.code is Code.INTERNAL


def test_outputs_are_cut_by_rows_and_the_surplus_is_dropped() -> None:
    output = native(INT32, np.arange(8, dtype="<u4").reshape(4, 2))
    first, second = split([output], [1, 2], rows=4)
    assert view(first[0]).tolist() == [[0, 1]]
    assert view(second[0]).tolist() == [[2, 3], [4, 5]]
    assert second[0].content() == np.array([2, 3, 4, 5], "<u4").tobytes()


def test_runs_of_a_cut_request_are_put_together() -> None:
    parts = [[numbers([[1]])], [numbers([[2], [3]])]]
    assert view(join(parts)[0]).tolist() == [[1], [2], [3]]
    with pytest.raises(StatusError, match="Tensor concat operation failed"):
        join([[numbers([[1]])], [numbers([[1, 2]])]])


def test_rows_of_a_request_are_a_view() -> None:
    tensor = numbers([[1], [2], [3]])
    assert view(rows_of(tensor, 1, 2)).tolist() == [[2], [3]]
    assert rows_of(tensor, 0, 3) is tensor


def test_a_request_has_rows_in_common() -> None:
    assert request_rows([numbers([1, 2]), numbers([[1], [2]])]) == 2
    with pytest.raises(StatusError, match="at least one dimension"):
        request_rows([numbers(1)])
    with pytest.raises(StatusError, match="equal 0th-dimension size"):
        request_rows([numbers([1]), numbers([1, 2])])
