"""Tensors as numpy arrays: views of TensorFlow's memory, rows of them, and the way back.

Numbers are only ever moved here, never computed with, so an array has an unsigned type of the
element's size, whatever the element is. Strings are arrays of `bytes` objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_server.engine.encoding import encode_strings
from model_server.engine.library import library
from model_server.engine.tensor import NativeTensor, Tensor
from model_server.messages import types_pb2
from model_server.status import Code, StatusError

_STRING = int(types_pb2.DT_STRING)
_MOVABLE = {1: "|u1", 2: "<u2", 4: "<u4", 8: "<u8", 16: "<c16"}  # element size to numpy type

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class ArrayTensor:
    """A tensor whose elements are an array's.

    Attributes:
        dtype: The element type, as numbered by `tensorflow.DataType`.
        array: The elements, as `view` gives them.
    """

    dtype: int
    array: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each dimension."""
        return self.array.shape

    def content(self) -> bytes:
        """The elements as raw little-endian bytes; not for strings."""
        return self.array.tobytes()

    def strings(self) -> list[bytes]:
        """The elements of a string tensor, in row-major order."""
        return list(self.array.ravel())


class _Memory:
    """What numpy asks for the place of a tensor's elements; keeps the tensor alive."""

    def __init__(self, tensor: NativeTensor, shape: tuple[int, ...], element: str) -> None:
        self.tensor = tensor
        self.__array_interface__ = {
            "data": (tensor.address, False),
            "shape": shape,
            "typestr": element,
            "version": 3,
        }


def view(tensor: Tensor) -> Array:
    """The tensor's elements without a copy; strings are copied.

    Raises:
        StatusError: UNIMPLEMENTED for resources and variants, which have no elements.
    """
    if isinstance(tensor, ArrayTensor):
        return tensor.array
    shape = tensor.shape
    if tensor.dtype == _STRING:
        strings = np.empty(len(values := tensor.strings()), object)
        strings[:] = values
        return strings.reshape(shape)
    element = _MOVABLE.get(library().TF_DataTypeSize(tensor.dtype))
    if element is None or not isinstance(tensor, NativeTensor):
        name = types_pb2.DataType.Name(tensor.dtype)
        raise StatusError(Code.UNIMPLEMENTED, f"a tensor of type {name} cannot be batched")
    if 0 in shape:
        return np.empty(shape, element)
    return np.asarray(_Memory(tensor, shape, element))


def native(dtype: int, array: Array) -> NativeTensor:
    """A tensor with the array's elements, which are copied."""
    if dtype == _STRING:
        return NativeTensor.from_proto(encode_strings(array.shape, list(array.ravel())))
    tensor = NativeTensor.empty(dtype, array.shape)
    if array.size:
        view(tensor)[...] = array
    return tensor
