from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpy_strategies

from heed.wire.v1 import serving_pb2 as wire
from service.backends.tensor_codec import TensorError, decode_tensor, encode_tensor

DTYPES = ["<f4", "<f8", "<i4", "<u1", "<i2", "<i1", "<i8", "?", "<f2"]
SHAPES = numpy_strategies.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)
TYPED_FIELDS: dict[str, tuple[int, str]] = {
    "<f4": (wire.DT_FLOAT, "float_val"),
    "<f8": (wire.DT_DOUBLE, "double_val"),
    "<i4": (wire.DT_INT32, "int_val"),
    "<u1": (wire.DT_UINT8, "int_val"),
    "<i2": (wire.DT_INT16, "int_val"),
    "<i8": (wire.DT_INT64, "int64_val"),
    "?": (wire.DT_BOOL, "bool_val"),
}


def shaped(data_type: int, shape: tuple[int, ...], **fields: Any) -> wire.TensorProto:
    dims = [wire.TensorShapeProto.Dim(size=size) for size in shape]
    return wire.TensorProto(dtype=data_type, tensor_shape=wire.TensorShapeProto(dim=dims), **fields)


@given(data=st.data(), dtype=st.sampled_from(DTYPES))
def test_arrays_come_back_as_they_went(data: st.DataObject, dtype: str) -> None:
    array = data.draw(numpy_strategies.arrays(np.dtype(dtype), SHAPES))
    decoded = decode_tensor(wire.TensorProto.FromString(encode_tensor(array).SerializeToString()))
    assert decoded.dtype == array.dtype
    assert decoded.shape == array.shape
    assert decoded.tobytes() == array.tobytes()


@given(data=st.data(), dtype=st.sampled_from(list(TYPED_FIELDS)))
def test_the_form_with_one_field_per_type_is_read_too(data: st.DataObject, dtype: str) -> None:
    array = data.draw(numpy_strategies.arrays(np.dtype(dtype), SHAPES))
    data_type, field = TYPED_FIELDS[dtype]
    sent = shaped(data_type, array.shape, **{field: array.ravel().tolist()})
    decoded = decode_tensor(wire.TensorProto.FromString(sent.SerializeToString()))
    assert decoded.dtype == array.dtype
    assert decoded.tobytes() == array.tobytes()


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_strings_come_back_in_both_forms(strings: list[bytes]) -> None:
    array = np.empty(len(strings), object)
    array[:] = strings
    assert decode_tensor(encode_tensor(array)).tolist() == strings
    content = b"".join(varint(len(string)) for string in strings) + b"".join(strings)
    decoded = decode_tensor(shaped(wire.DT_STRING, (len(strings),), tensor_content=content))
    assert decoded.tolist() == strings


def varint(value: int) -> bytes:
    return bytes([value & 0x7F | 0x80, value >> 7]) if value > 0x7F else bytes([value])


@given(st.binary(max_size=200))
def test_bytes_that_are_no_tensor_raise_nothing_but_tensor_errors(garbage: bytes) -> None:
    for data_type in (wire.DT_STRING, wire.DT_FLOAT, wire.DT_BFLOAT16, wire.DT_INT64):
        try:
            decode_tensor(shaped(data_type, (3, 2), tensor_content=garbage))
        except TensorError:
            continue


def test_the_last_value_repeats_as_tensorflow_has_it() -> None:
    assert decode_tensor(shaped(wire.DT_INT32, (4,), int_val=[1, 2])).tolist() == [1, 2, 2, 2]
    assert decode_tensor(shaped(wire.DT_FLOAT, (2,))).tolist() == [0.0, 0.0]
    assert decode_tensor(shaped(wire.DT_INT32, (1,), int_val=[7, 8])).tolist() == [7]
    assert decode_tensor(shaped(wire.DT_STRING, (2,), string_val=[b"a"])).tolist() == [b"a", b"a"]
    assert decode_tensor(shaped(wire.DT_STRING, (1,))).tolist() == [b""]


def test_half_precision_and_bfloat16_are_read_from_their_bits() -> None:
    bits = struct.unpack("<H", np.array([1.5], np.float16).tobytes())[0]
    assert decode_tensor(shaped(wire.DT_HALF, (1,), half_val=[bits])).tolist() == [1.5]
    for fields in ({"half_val": [0x3FC0]}, {"tensor_content": b"\xc0\x3f"}):
        decoded = decode_tensor(shaped(wire.DT_BFLOAT16, (1,), **fields))
        assert (decoded.dtype, decoded.tolist()) == (np.float32, [1.5])


def test_a_packed_field_followed_by_others_is_read_too() -> None:
    sent = shaped(wire.DT_FLOAT, (2,), float_val=[1.0, 2.0], int_val=[7])
    assert decode_tensor(sent).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (shaped(wire.DT_FLOAT, (2,), tensor_content=b"123"), "has 3 bytes, expected 8"),
        (shaped(wire.DT_FLOAT, (-1,)), "shape must be known"),
        (shaped(wire.DT_FLOAT, (2**20, 2**20)), "too large"),
        (shaped(wire.DT_INVALID, (1,)), "data type 0"),
        (shaped(wire.DT_UINT8, (1,), int_val=[300]), "does not fit into uint8"),
        (shaped(wire.DT_STRING, (2,), tensor_content=b"\x05"), "cut short"),
        (shaped(wire.DT_STRING, (1,), tensor_content=b"\x05ab"), "5 bytes expected, 2 came"),
    ],
)
def test_a_broken_tensor_says_what_is_wrong(tensor: wire.TensorProto, message: str) -> None:
    with pytest.raises(TensorError, match=message):
        decode_tensor(tensor)


def test_an_array_without_a_counterpart_is_refused() -> None:
    with pytest.raises(TensorError, match="complex128"):
        encode_tensor(np.zeros(1, np.complex128))


@pytest.mark.parametrize("data_type", [wire.DT_FLOAT, wire.DT_STRING])
@pytest.mark.parametrize("sizes", [[2**30], [0, 2**62], [2**16, 2**12]])
def test_a_few_bytes_do_not_claim_all_of_the_memory(data_type: int, sizes: list[int]) -> None:
    tensor = wire.TensorProto(dtype=data_type)
    for size in sizes:
        tensor.tensor_shape.dim.add(size=size)
    with pytest.raises(TensorError, match=r"too large|must carry them"):
        decode_tensor(tensor)
