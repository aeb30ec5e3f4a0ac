"""A tensor that belongs to TensorFlow, made from a TensorProto's bytes and read back as arrays."""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Sequence
from ctypes import c_char_p, c_int64, c_void_p
from typing import Protocol

from model_server.engine.library import Buffer, CallStatus, Library, library
from model_server.status import Code, StatusError

_UINT8 = 4
_LARGE_BYTES = 1 << 20  # from here on, other threads run while a tensor is decoded
_MEMORY_BYTES = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
_STRING_BYTES = 24  # the size of TensorFlow's string type, TF_TString


class Tensor(Protocol):
    """What can be encoded into an answer, wherever its elements lie."""

    @property
    def dtype(self) -> int:
        """The element type, as numbered by `tensorflow.DataType`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each dimension."""

    def content(self) -> bytes:
        """The elements as raw little-endian bytes; not for strings."""

    def strings(self) -> list[bytes]:
        """The elements of a string tensor, in row-major order."""


class NativeTensor:
    """`TF_Tensor`: freed together with this object.

    Attributes:
        handle: The C pointer.
    """

    __slots__ = ("_library", "handle")

    def __init__(self, handle: int, native: Library) -> None:
        self.handle = handle
        self._library = native

    @classmethod
    def from_proto(
        cls, serialized: bytes, *, dtype: int = 0, sizes: Sequence[int] = ()
    ) -> NativeTensor:
        """Decodes a serialised `TensorProto` by TensorFlow's own rules.

        Content wins over typed values and must have exactly the right length; too few typed values
        repeat the last one; none are zeros; surplus ones are ignored.

        Args:
            serialized: The message.
            dtype: Its element type, if known.
            sizes: Its dimensions, if known. One that no memory can hold is refused at once, where
                TensorFlow's allocator would wait ten seconds for memory to come free.

        Raises:
            StatusError: INVALID_ARGUMENT when it does not parse.
        """
        native = library()
        size_bytes = math.prod(sizes) * max(1, native.TF_DataTypeSize(dtype))
        if size_bytes > _MEMORY_BYTES:
            raise StatusError(Code.INVALID_ARGUMENT, "tensor larger than the machine's memory")
        is_large = max(size_bytes, len(serialized)) > _LARGE_BYTES
        decode = native.decode_large_tensor if is_large else native.TF_TensorFromProto
        tensor = cls(native.TF_AllocateTensor(_UINT8, None, 0, 1), native)
        data = ctypes.cast(c_char_p(serialized), c_void_p)
        buffer = Buffer(data=data, length=len(serialized), deallocator=None)
        status = CallStatus()
        decode(ctypes.byref(buffer), tensor.handle, status.handle)
        status.check()
        return tensor

    @classmethod
    def empty(cls, dtype: int, shape: Sequence[int]) -> NativeTensor:
        """Memory for a tensor of numbers or booleans, its elements still to be written."""
        native = library()
        size_bytes = math.prod(shape) * native.TF_DataTypeSize(dtype)
        dims = (c_int64 * len(shape))(*shape)
        return cls(native.TF_AllocateTensor(dtype, dims, len(shape), size_bytes), native)

    @property
    def dtype(self) -> int:
        """The element type, as numbered by `tensorflow.DataType`."""
        return int(self._library.TF_TensorType(self.handle))

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each dimension."""
        native, handle = self._library, self.handle
        return tuple(native.TF_Dim(handle, axis) for axis in range(native.TF_NumDims(handle)))

    @property
    def address(self) -> int:
        """Where its elements lie; they move no more, and are freed together with this object."""
        return self._library.TF_TensorData(self.handle) or 0

    def content(self) -> bytes:
        """The elements as raw little-endian bytes; not for strings."""
        size = self._library.TF_TensorByteSize(self.handle)
        return ctypes.string_at(self._library.TF_TensorData(self.handle), size) if size else b""

    def strings(self) -> list[bytes]:
        """The elements of a string tensor, in row-major order."""
        native = self._library
        count = native.TF_TensorByteSize(self.handle) // _STRING_BYTES
        first = native.TF_TensorData(self.handle)
        return [self._string(first + index * _STRING_BYTES) for index in range(count)]

    def _string(self, address: int) -> bytes:
        size = self._library.TF_StringGetSize(address)
        return ctypes.string_at(self._library.TF_StringGetDataPointer(address), size)

    def __del__(self) -> None:
        self._library.TF_DeleteTensor(self.handle)


TensorArray = ctypes.Array[c_void_p]


def handles(tensors: list[NativeTensor]) -> TensorArray:
    """The C array of the tensors' pointers; the tensors must outlive it."""
    return (c_void_p * len(tensors))(*(tensor.handle for tensor in tensors))
