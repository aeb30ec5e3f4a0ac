"""The few rules of protobuf's wire format with which responses are written without copies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LENGTH_DELIMITED = 2
_VARINT = 0
_MAX_VARINT_BYTES = 10


def varint(value: int) -> bytes:
    """A number from 0 to 2**64 - 1, seven bits a byte, lowest first."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def number_field(field: int, value: int) -> bytes:
    """A varint field. Zero is the default of proto3 and is left out."""
    return varint(field << 3 | _VARINT) + varint(value) if value else b""


def bytes_field(field: int, content: bytes) -> bytes:
    """A string, bytes, message or packed field."""
    return field_header(field, len(content)) + content


def field_header(field: int, length: int) -> bytes:
    """What precedes the content of a string, bytes, message or packed field."""
    return varint(field << 3 | _LENGTH_DELIMITED) + varint(length)


def packed_varints(values: NDArray[np.uint64]) -> bytes:
    """The content of a packed field of integers; negative ones as their 64-bit complement.

    Args:
        values: uint64 [n].
    """
    if not len(values):
        return b""
    widest = max(1, -(-int(values.max()).bit_length() // 7))
    if widest == 1:
        return values.astype(np.uint8).tobytes()
    shifts = np.arange(widest, dtype=np.uint64) * np.uint64(7)
    groups = (values[:, None] >> shifts).astype(np.uint64)  # [n, widest]
    lengths = 1 + np.count_nonzero(groups[:, 1:], axis=1)  # bytes per value, [n]
    encoded = (groups & np.uint64(0x7F)).astype(np.uint8)
    position = np.arange(widest)
    encoded[position < lengths[:, None] - 1] |= 0x80
    return encoded[position < lengths[:, None]].tobytes()
