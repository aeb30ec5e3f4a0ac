"""Reads TFRecord files: length, checksum of the length, data, checksum of the data."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

_HEADER = struct.Struct("<QI")  # length, masked CRC32C of the length
_FOOTER = struct.Struct("<I")  # masked CRC32C of the data
_MASK_DELTA = 0xA282EAD8
_CASTAGNOLI = 0x82F63B78  # the polynomial of CRC32C, bits reversed


class RecordError(Exception):
    """The file is not a TFRecord file, or was damaged."""


def read_records(path: Path) -> Iterator[bytes]:
    """The data of each record, in order.

    Raises:
        RecordError: At the first record that is cut short or fails its checksum.
    """
    with path.open("rb") as file:
        while header := file.read(_HEADER.size):
            if len(header) < _HEADER.size:
                raise RecordError("truncated record")
            length, length_checksum = _HEADER.unpack(header)
            if _masked_crc32c(header[:8]) != length_checksum:
                raise RecordError("corrupted record")
            data, footer = file.read(length), file.read(_FOOTER.size)
            if len(data) < length or len(footer) < _FOOTER.size:
                raise RecordError("truncated record")
            if _masked_crc32c(data) != _FOOTER.unpack(footer)[0]:
                raise RecordError("corrupted record")
            yield data


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (_CASTAGNOLI if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC_TABLE = _crc_table()


def _masked_crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF
