from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_server.engine.wire import bytes_field, number_field, packed_varints, varint
from model_server.messages import model_pb2, tensor_pb2

UINT64 = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(0, b"\x00"), (1, b"\x01"), (127, b"\x7f"), (128, b"\x80\x01"), (300, b"\xac\x02")],
)
def test_varints_hold_seven_bits_a_byte(value: int, encoded: bytes) -> None:
    assert varint(value) == encoded


@given(st.lists(UINT64))
def test_packed_varints_are_the_varints_one_after_another(values: list[int]) -> None:
    encoded = packed_varints(np.array(values, np.uint64))
    assert encoded == b"".join(varint(value) for value in values)


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_packed_integers_are_what_protobuf_writes(values: list[int]) -> None:
    content = packed_varints(np.array(values, np.int64).view(np.uint64))
    proto = tensor_pb2.TensorProto(int64_val=values)
    assert tensor_pb2.TensorProto.FromString(bytes_field(10, content)) == proto
    assert proto.SerializeToString() == (bytes_field(10, content) if values else b"")


def test_a_zero_number_is_left_out() -> None:
    assert number_field(1, 0) == b""
    assert number_field(1, 5) == b"\x08\x05"


def test_text_fields_parse_as_messages() -> None:
    assert model_pb2.ModelSpec.FromString(bytes_field(1, b"g2p")).name == "g2p"
