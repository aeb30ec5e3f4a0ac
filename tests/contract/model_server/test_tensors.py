"""How tensors are read from requests and written into answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2

from tests.support.model_server import model_flags, running_server_under_test
from tests.support.saved_models import ECHO_DTYPES
from tests.support.serving_client import ServingClient, serving_client, tensor

MODEL = "full"
# The typed field of each type, and two values in it.
TYPED_FIELDS: dict[str, tuple[str, list[Any]]] = {
    "float32": ("float_val", [1.5, -2.25]),
    "float64": ("double_val", [1.5, -2.25]),
    "float16": ("half_val", [0x3E00, 0xC080]),
    "bfloat16": ("half_val", [0x3FC0, 0xC010]),
    "int8": ("int_val", [5, -7]),
    "int16": ("int_val", [300, -7]),
    "int32": ("int_val", [2**31 - 1, -(2**31)]),
    "int64": ("int64_val", [2**63 - 1, -(2**63)]),
    "uint8": ("int_val", [5, 255]),
    "uint16": ("int_val", [5, 65535]),
    "uint32": ("uint32_val", [5, 2**32 - 1]),
    "uint64": ("uint64_val", [5, 2**64 - 1]),
    "bool": ("bool_val", [True, False]),
    "string": ("string_val", [b"caf\xc3\xa9", b""]),
    "complex64": ("scomplex_val", [1.5, -1.0, 0.5, 2.0]),
    "complex128": ("dcomplex_val", [1.5, -1.0, 0.5, 2.0]),
}


def typed_tensor(dtype: str) -> tensor_pb2.TensorProto:
    field, values = TYPED_FIELDS[dtype]
    proto = tensor_pb2.TensorProto(dtype=tf.as_dtype(dtype).as_datatype_enum, **{field: values})
    proto.tensor_shape.dim.add(size=2)
    return proto


@pytest.fixture(scope="module")
def content_client(full_model: Path) -> Iterator[ServingClient]:
    flags = [*model_flags(MODEL, full_model.parent), "--enable_serialization_as_tensor_content"]
    with running_server_under_test(flags) as server, serving_client(server.address) as client:
        yield client


def echo(client: ServingClient, proto: Any, dtype: str) -> Any:
    return client.predict(MODEL, {"x": proto}, signature=f"echo_{dtype}").outputs["y"]


@pytest.mark.parametrize("dtype", ECHO_DTYPES)
def test_answers_hold_every_element_in_the_field_of_its_type(
    client: ServingClient, dtype: str
) -> None:
    proto = typed_tensor(dtype)
    assert echo(client, proto, dtype) == proto


@pytest.mark.parametrize("dtype", [dtype for dtype in ECHO_DTYPES if dtype != "string"])
def test_content_answers_hold_the_raw_elements(content_client: ServingClient, dtype: str) -> None:
    proto = typed_tensor(dtype)
    answer = echo(content_client, proto, dtype)
    assert answer.tensor_content == tf.make_ndarray(proto).tobytes()
    assert not getattr(answer, TYPED_FIELDS[dtype][0])


def test_strings_as_content_are_lengths_and_bytes(content_client: ServingClient) -> None:
    answer = echo(content_client, tensor([b"ab", b"", b"x" * 200], tf.string), "string")
    assert answer.tensor_content == b"\x02\x00\xc8\x01" + b"ab" + b"x" * 200
    parsed = tf.io.parse_tensor(answer.SerializeToString(), tf.string)
    assert parsed.numpy().tolist() == [b"ab", b"", b"x" * 200]


def test_equal_elements_are_not_compressed(client: ServingClient) -> None:
    proto = tensor([7.0] * 50)
    assert list(echo(client, proto, "float32").float_val) == [7.0] * 50


def test_a_scalar_keeps_its_empty_shape(client: ServingClient) -> None:
    answer = echo(client, tensor(7.0), "float32")
    assert answer.HasField("tensor_shape")
    assert not answer.tensor_shape.dim
    assert list(answer.float_val) == [7.0]


@pytest.mark.parametrize("dtype", ["float32", "int64", "string"])
def test_a_tensor_without_elements_has_type_and_shape_only(
    client: ServingClient, dtype: str
) -> None:
    proto = tensor_pb2.TensorProto(dtype=tf.as_dtype(dtype).as_datatype_enum)
    for size in (2, 0, 3):
        proto.tensor_shape.dim.add(size=size)
    assert echo(client, proto, dtype) == proto


def test_the_last_of_too_few_values_repeats(client: ServingClient) -> None:
    proto = tensor_pb2.TensorProto(dtype=tf.float32.as_datatype_enum, float_val=[1.0, 2.0])
    proto.tensor_shape.dim.add(size=4)
    assert list(echo(client, proto, "float32").float_val) == [1.0, 2.0, 2.0, 2.0]


def test_no_values_are_zeros(client: ServingClient) -> None:
    proto = tensor_pb2.TensorProto(dtype=tf.int32.as_datatype_enum)
    proto.tensor_shape.dim.add(size=3)
    assert list(echo(client, proto, "int32").int_val) == [0, 0, 0]


def test_no_strings_are_empty_ones(client: ServingClient) -> None:
    proto = tensor_pb2.TensorProto(dtype=tf.string.as_datatype_enum)
    proto.tensor_shape.dim.add(size=2)
    assert list(echo(client, proto, "string").string_val) == [b"", b""]


def test_surplus_values_are_ignored(client: ServingClient) -> None:
    proto = tensor_pb2.TensorProto(dtype=tf.int64.as_datatype_enum, int64_val=[4, 5, 6])
    proto.tensor_shape.dim.add(size=2)
    assert list(echo(client, proto, "int64").int64_val) == [4, 5]


def test_content_wins_over_typed_values(client: ServingClient) -> None:
    proto = tensor_pb2.TensorProto(
        dtype=tf.float32.as_datatype_enum,
        float_val=[9.0],
        tensor_content=np.array([1.0, 2.0], np.float32).tobytes(),
    )
    proto.tensor_shape.dim.add(size=2)
    assert list(echo(client, proto, "float32").float_val) == [1.0, 2.0]


def test_strings_may_be_sent_as_content(client: ServingClient) -> None:
    proto = tensor_pb2.TensorProto(dtype=tf.string.as_datatype_enum, tensor_content=b"\x02\x01abc")
    proto.tensor_shape.dim.add(size=2)
    assert list(echo(client, proto, "string").string_val) == [b"ab", b"c"]
