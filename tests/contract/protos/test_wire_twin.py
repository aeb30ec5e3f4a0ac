"""The wire twin gives TensorFlow Serving's bytes, checked against its own classes."""

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2, types_pb2
from tensorflow_serving.apis import get_model_status_pb2, model_pb2, predict_pb2, status_pb2

from heed.wire.v1 import serving_pb2 as twin

PAIRS = [
    (twin.TensorShapeProto, tensor_shape_pb2.TensorShapeProto),
    (twin.TensorShapeProto.Dim, tensor_shape_pb2.TensorShapeProto.Dim),
    (twin.TensorProto, tensor_pb2.TensorProto),
    (twin.ModelSpec, model_pb2.ModelSpec),
    (twin.PredictRequest, predict_pb2.PredictRequest),
    (twin.PredictResponse, predict_pb2.PredictResponse),
    (twin.GetModelStatusRequest, get_model_status_pb2.GetModelStatusRequest),
    (twin.StatusProto, status_pb2.StatusProto),
    (twin.ModelVersionStatus, get_model_status_pb2.ModelVersionStatus),
    (twin.GetModelStatusResponse, get_model_status_pb2.GetModelStatusResponse),
]


def _shape(field: FieldDescriptor) -> tuple[object, ...]:
    # An enum travels as a varint, just as int32 does: the twin may use either.
    is_enum = field.type == FieldDescriptor.TYPE_ENUM
    wire_type = FieldDescriptor.TYPE_INT32 if is_enum else field.type
    return (field.number, field.name, wire_type, field.label, field.has_presence)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=lambda pair: pair.DESCRIPTOR.full_name)
def test_every_field_has_the_official_number_and_type(
    ours: type[Message], theirs: type[Message]
) -> None:
    official: Descriptor = theirs.DESCRIPTOR
    for field in ours.DESCRIPTOR.fields:
        assert _shape(field) == _shape(official.fields_by_number[field.number])


@pytest.mark.parametrize("name", twin.DataType.keys())
def test_every_data_type_has_the_official_number(name: str) -> None:
    assert twin.DataType.Value(name) == types_pb2.DataType.Value(name)


@pytest.mark.parametrize("name", twin.ModelVersionStatus.State.keys())
def test_every_state_has_the_official_number(name: str) -> None:
    official = get_model_status_pb2.ModelVersionStatus.State
    assert twin.ModelVersionStatus.State.Value(name) == official.Value(name)


def _fill_tensor(tensor: Message, types: object) -> None:
    tensor.dtype = types.DT_INT32  # type: ignore[attr-defined]
    tensor.tensor_shape.dim.add(size=2)  # type: ignore[attr-defined]
    tensor.tensor_shape.dim.add(size=3, name="S")  # type: ignore[attr-defined]
    tensor.tensor_content = bytes(range(24))  # type: ignore[attr-defined]


def _fill_request(request: Message, types: object) -> bytes:
    request.model_spec.name = "g2p"  # type: ignore[attr-defined]
    request.model_spec.version.value = 7  # type: ignore[attr-defined]
    request.model_spec.signature_name = "greedy"  # type: ignore[attr-defined]
    for alias in ("tokens", "lengths"):
        _fill_tensor(request.inputs[alias], types)  # type: ignore[attr-defined]
    request.output_filter.extend(["tokens", "scores"])  # type: ignore[attr-defined]
    return request.SerializeToString(deterministic=True)


def test_a_predict_request_has_the_same_bytes() -> None:
    ours = _fill_request(twin.PredictRequest(), twin)
    assert ours == _fill_request(predict_pb2.PredictRequest(), types_pb2)


def _fill_response(response: Message) -> bytes:
    response.model_spec.name = "g2p"  # type: ignore[attr-defined]
    response.model_spec.version.value = 7  # type: ignore[attr-defined]
    scores = response.outputs["scores"]  # type: ignore[attr-defined]
    scores.dtype = types_pb2.DT_FLOAT
    scores.float_val.extend([0.5, -1.25])
    names = response.outputs["names"]  # type: ignore[attr-defined]
    names.dtype = types_pb2.DT_STRING
    names.string_val.extend([b"a", b"\xff"])
    for field, values in (
        ("int_val", [1, -2]),
        ("int64_val", [2**40]),
        ("bool_val", [True, False]),
        ("double_val", [1.5]),
        ("half_val", [15360]),
    ):
        getattr(response.outputs[field], field).extend(values)  # type: ignore[attr-defined]
    return response.SerializeToString(deterministic=True)


def test_a_predict_response_has_the_same_bytes() -> None:
    assert _fill_response(twin.PredictResponse()) == _fill_response(predict_pb2.PredictResponse())


def test_a_status_has_the_same_bytes() -> None:
    def fill(response: Message) -> bytes:
        status = response.model_version_status.add(version=3, state=30)  # type: ignore[attr-defined]
        status.status.error_code = 15
        status.status.error_message = "broken"
        return response.SerializeToString(deterministic=True)

    assert fill(twin.GetModelStatusResponse()) == fill(
        get_model_status_pb2.GetModelStatusResponse()
    )
