from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

from model_server.servables.records import RecordError, read_records


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "records"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in (b"first", b"", b"x" * 5000):
            writer.write(record)
    return path


def test_records_that_tensorflow_wrote_are_read_in_order(file: Path) -> None:
    assert list(read_records(file)) == [b"first", b"", b"x" * 5000]


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert list(read_records(tmp_path / "empty")) == []


@pytest.mark.parametrize("length", [5, 14, 20, -1])
def test_a_file_that_is_cut_short_is_refused(file: Path, length: int) -> None:
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(RecordError, match="truncated"):
        list(read_records(file))


@pytest.mark.parametrize("position", [0, 9, 13, 18])
def test_a_changed_byte_is_noticed(file: Path, position: int) -> None:
    content = bytearray(file.read_bytes())
    content[position] ^= 1
    file.write_bytes(content)
    with pytest.raises(RecordError, match="corrupted"):
        list(read_records(file))
