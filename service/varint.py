"""Numbers as protobuf's wire format has them."""

from __future__ import annotations


def varint(value: int) -> bytes:
    """A number of 0 or more: 7 bits a byte, the lowest first."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)
