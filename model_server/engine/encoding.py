"""Tensors as serialised `TensorProto`s, in the two forms that TensorFlow Serving sends.

Typed fields are the default: every element in the field of its type, never compressed. The packed
wire form of floats and doubles is the tensor's own memory, so it is taken as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from model_server.engine.tensor import Tensor
from model_server.engine.wire import bytes_field, number_field, packed_varints, varint
from model_server.messages import types_pb2
from model_server.status import Code, StatusError

_DTYPE_FIELD, _SHAPE_FIELD, _CONTENT_FIELD, _STRING_FIELD = 1, 2, 4, 8
_SHAPE_DIM_FIELD, _DIM_SIZE_FIELD = 2, 1
_FLOAT_VAL, _DOUBLE_VAL, _INT_VAL, _SCOMPLEX_VAL, _INT64_VAL, _BOOL_VAL = 5, 6, 7, 9, 10, 11
_DCOMPLEX_VAL, _HALF_VAL, _UINT32_VAL, _UINT64_VAL, _FLOAT8_VAL = 12, 13, 16, 17, 18


@dataclass(frozen=True)
class _TypedField:
    """Where the elements of one type go, and how their memory becomes the field's content."""

    number: int
    pack: Callable[[bytes], bytes]


def _as_it_is(content: bytes) -> bytes:
    return content


def _varints_of(dtype: DTypeLike) -> Callable[[bytes], bytes]:
    signed = np.dtype(dtype).kind == "i"

    def pack(content: bytes) -> bytes:
        values = np.frombuffer(content, dtype)
        widened = values.astype(np.int64).view(np.uint64) if signed else values.astype(np.uint64)
        return packed_varints(widened)

    return pack


def _field_table() -> dict[int, _TypedField]:
    types, table = types_pb2, {}
    for dtype, number in (
        *((types.DT_FLOAT, _FLOAT_VAL), (types.DT_DOUBLE, _DOUBLE_VAL)),
        *((types.DT_COMPLEX64, _SCOMPLEX_VAL), (types.DT_COMPLEX128, _DCOMPLEX_VAL)),
        *((types.DT_FLOAT8_E5M2, _FLOAT8_VAL), (types.DT_FLOAT8_E4M3FN, _FLOAT8_VAL)),
    ):
        table[dtype] = _TypedField(number, _as_it_is)
    for dtype, number, element in (
        *((types.DT_INT32, _INT_VAL, "<i4"), (types.DT_INT16, _INT_VAL, "<i2")),
        *((types.DT_INT8, _INT_VAL, "i1"), (types.DT_UINT8, _INT_VAL, "u1")),
        *((types.DT_UINT16, _INT_VAL, "<u2"), (types.DT_INT64, _INT64_VAL, "<i8")),
        *((types.DT_UINT32, _UINT32_VAL, "<u4"), (types.DT_UINT64, _UINT64_VAL, "<u8")),
        *((types.DT_BOOL, _BOOL_VAL, "u1"), (types.DT_HALF, _HALF_VAL, "<u2")),
        *((types.DT_BFLOAT16, _HALF_VAL, "<u2"), (types.DT_QINT8, _INT_VAL, "i1")),
        *((types.DT_QUINT8, _INT_VAL, "u1"), (types.DT_QINT32, _INT_VAL, "<i4")),
    ):
        table[dtype] = _TypedField(number, _varints_of(element))
    return table


_TYPED_FIELDS = _field_table()


def encode_tensor(tensor: Tensor, *, as_content: bool) -> bytes:
    """The tensor as the bytes of a `TensorProto`.

    Args:
        tensor: Any tensor of numbers, booleans or strings.
        as_content: Write `tensor_content` instead of typed fields; strings then are their lengths,
            followed by their bytes.

    Raises:
        StatusError: UNIMPLEMENTED for resources and variants, which have no portable value.
    """
    dtype = tensor.dtype
    if dtype == types_pb2.DT_STRING:
        return encode_strings(tensor.shape, tensor.strings(), as_content=as_content)
    head = _head(dtype, tensor.shape)
    field = _TYPED_FIELDS.get(dtype)
    if field is None:
        name = types_pb2.DataType.Name(dtype)
        raise StatusError(Code.UNIMPLEMENTED, f"a tensor of type {name} cannot be sent")
    content = tensor.content()
    if not content:
        return head
    if as_content:
        return head + bytes_field(_CONTENT_FIELD, content)
    return head + bytes_field(field.number, field.pack(content))


def encode_strings(
    shape: tuple[int, ...], strings: list[bytes], *, as_content: bool = False
) -> bytes:
    """A string tensor as the bytes of a `TensorProto`; see `encode_tensor`.

    Args:
        shape: The size of each dimension.
        strings: The elements, in row-major order.
        as_content: Write `tensor_content` instead of `string_val`.
    """
    head = _head(types_pb2.DT_STRING, shape)
    return head + _string_fields(strings, as_content=as_content)


def _head(dtype: int, shape: tuple[int, ...]) -> bytes:
    return number_field(_DTYPE_FIELD, dtype) + _shape_field(shape)


def _shape_field(shape: tuple[int, ...]) -> bytes:
    dims = (number_field(_DIM_SIZE_FIELD, size) for size in shape)
    return bytes_field(_SHAPE_FIELD, b"".join(bytes_field(_SHAPE_DIM_FIELD, dim) for dim in dims))


def _string_fields(strings: list[bytes], *, as_content: bool) -> bytes:
    if not as_content:
        return b"".join(bytes_field(_STRING_FIELD, string) for string in strings)
    if not strings:
        return b""
    lengths = b"".join(varint(len(string)) for string in strings)
    return bytes_field(_CONTENT_FIELD, lengths + b"".join(strings))
