from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from heed.v1 import inference_pb2, model_pb2
from service.errors import InvalidRequestError
from service.http.json_reader import read_json
from service.http.json_writer import write_json


def float32(value: float) -> float:
    return float(np.float32(value))


def numbers(width: Literal[32, 64]) -> st.SearchStrategy[float]:
    """Finite numbers; JSON's 0 has no sign."""
    return st.floats(-(2.0**100), 2.0**100, width=width).map(lambda value: value + 0.0)


SCALARS: dict[int, Callable[[], st.SearchStrategy[Any]]] = {
    FieldDescriptor.CPPTYPE_BOOL: st.booleans,
    FieldDescriptor.CPPTYPE_INT32: lambda: st.integers(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: lambda: st.integers(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_FLOAT: lambda: numbers(width=32),
    FieldDescriptor.CPPTYPE_DOUBLE: lambda: numbers(width=64),
}


def values_of(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any]:
    if field.message_type is not None:
        return messages(field.message_type._concrete_class, depth + 1)
    if field.enum_type is not None:
        return st.sampled_from([value.number for value in field.enum_type.values])
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=9)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return st.text(max_size=5)
    return SCALARS[field.cpp_type]()


@st.composite
def messages(draw: st.DrawFn, kind: type[Message], depth: int = 0) -> Message:
    """Any message of a kind."""
    message = kind()
    if kind.DESCRIPTOR.full_name == "google.protobuf.Duration":
        message.FromNanoseconds(draw(st.integers(0, 10**12)))  # type: ignore[attr-defined]
        return message
    for field in kind.DESCRIPTOR.fields:
        if not draw(st.booleans()) or depth > 3:
            continue
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        if is_map:
            value = field.message_type.fields_by_name["value"]
            for key in draw(st.lists(st.text(max_size=3), max_size=2)):
                if value.message_type is None:
                    getattr(message, field.name)[key] = draw(values_of(value, depth))
        elif field.label == FieldDescriptor.LABEL_REPEATED:
            getattr(message, field.name).extend(draw(st.lists(values_of(field, depth), max_size=2)))
        elif field.message_type is not None:
            getattr(message, field.name).CopyFrom(draw(values_of(field, depth)))
        else:
            setattr(message, field.name, draw(values_of(field, depth)))
    return message


KINDS = (
    inference_pb2.GenerateRequest,
    inference_pb2.GenerateResponse,
    inference_pb2.StreamGenerateResponse,
    model_pb2.Model,
)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(KINDS).flatmap(messages))
def test_what_is_written_is_what_protobufs_own_reader_takes(message: Message) -> None:
    back = json_format.Parse(write_json(message), type(message)())
    assert back == message


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(KINDS).flatmap(messages), st.booleans())
def test_what_protobufs_own_writer_gives_is_read(message: Message, keeps_names: bool) -> None:
    text = json_format.MessageToJson(message, preserving_proto_field_name=keeps_names)
    back = type(message)()
    read_json(text.encode(), back)
    assert back == message


@given(st.floats(width=32))
def test_numbers_are_written_with_as_many_digits_as_they_need(value: float) -> None:
    message = inference_pb2.Hypothesis(score=value)
    text = json.loads(write_json(message))["score"]
    if math.isfinite(value):
        assert float32(text) == value
    else:
        assert text in ("NaN", "Infinity", "-Infinity")


def test_a_number_looks_as_it_was_meant() -> None:
    assert '"score":-0.1,' in write_json(inference_pb2.Hypothesis(score=-0.1))


def test_lists_and_zeros_are_written_and_what_is_not_set_is_not() -> None:
    written = json.loads(write_json(inference_pb2.Token()))
    assert written["beginOffset"] == 0
    assert written["text"] == ""
    assert "score" not in written
    assert json.loads(write_json(inference_pb2.GenerateResponse())) == {"results": []}


@pytest.mark.parametrize(
    "body",
    [
        '{"version": 7}',
        '{"version": "7"}',
        '{"version": 7.0}',
        '{"version": 7, "name": null}',
    ],
)
def test_whole_numbers_may_be_written_in_several_ways(body: str) -> None:
    selector = inference_pb2.ModelSelector()
    read_json(body.encode(), selector)
    assert selector.version == 7


def violations_of(body: str) -> dict[str, str]:
    with pytest.raises(InvalidRequestError) as failure:
        read_json(body.encode(), inference_pb2.GenerateRequest())
    return {each.field: each.description for each in failure.value.violations}


def test_everything_that_is_wrong_is_told_at_once() -> None:
    body = '{"texts": [1, "a"], "model": {"nam": "x", "version": "y"}, "options": {"prefix": 3}}'
    assert set(violations_of(body)) == {"texts[0]", "model.nam", "model.version", "options.prefix"}


def test_an_unknown_field_is_told_which_there_are() -> None:
    (description,) = violations_of('{"modell": {}}').values()
    assert description.startswith("is no field of GenerateRequest; its fields are: model, texts")


def test_a_field_that_comes_twice_is_refused() -> None:
    assert violations_of('{"texts": [], "texts": []}') == {"texts": "comes twice"}


def test_values_are_never_repeated_in_errors() -> None:
    body = '{"texts": {"a": "secret"}, "options": {"attention": "secret", "maxLength": "secret"}}'
    assert "secret" not in str(violations_of(body))


def test_a_long_unknown_name_is_cut() -> None:
    (field,) = violations_of(json.dumps({"x" * 500 + "\ud800": 1}))
    assert len(field) == 64


@pytest.mark.parametrize("value", ['"\\ud800"', "1e300", str(10**30), '"\\udfff\\ud800"'])
def test_a_value_that_no_enum_can_have_is_named(value: str) -> None:
    body = f'{{"texts": ["a"], "options": {{"attention": {value}}}}}'
    with pytest.raises(InvalidRequestError) as error:
        read_json(body.encode(), inference_pb2.GenerateRequest())
    (violation,) = error.value.violations
    assert violation.field == "options.attention"
    assert "ATTENTION_LEVEL_PIECES" in violation.description
