from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heed.v1 import inference_pb2
from service.rpc.request_decoding import UndecodableRequest, make_decoder

DECODE = make_decoder(inference_pb2.GenerateRequest.DESCRIPTOR)


def test_a_request_is_decoded_as_ever() -> None:
    request = inference_pb2.GenerateRequest(texts=["é", "b"])
    assert DECODE(request.SerializeToString()) == request


def test_every_invalid_string_is_named_with_its_place() -> None:
    decoded = DECODE(b"\x12\x01a\x12\x02\xc3\x28\x0a\x03\x0a\x01\x80")
    assert isinstance(decoded, UndecodableRequest)
    assert {violation.field: violation.description for violation in decoded.violations} == {
        "texts[1]": "must be valid UTF-8: invalid continuation byte at byte 0",
        "model.name": "must be valid UTF-8: invalid start byte at byte 0",
    }


@pytest.mark.parametrize("garbage", [b"\xff", b"\x12\x05a", b"\x0a\x02\x0a"])
def test_bytes_that_are_no_message_are_named_as_a_whole(garbage: bytes) -> None:
    decoded = DECODE(garbage)
    assert isinstance(decoded, UndecodableRequest)
    assert [violation.field for violation in decoded.violations] == ["(message)"]


@given(st.binary(max_size=200))
def test_no_bytes_make_the_decoder_raise(garbage: bytes) -> None:
    decoded = DECODE(garbage)
    if isinstance(decoded, UndecodableRequest):
        assert decoded.violations
    else:
        assert isinstance(decoded, inference_pb2.GenerateRequest)
