"""GetModelMetadata and GetModelStatus."""

from __future__ import annotations

import grpc
import pytest
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from tests.support.saved_models import ECHO_DTYPES
from tests.support.serving_client import ServingClient, refused

MODEL = "full"
INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND


def test_metadata_describes_every_signature(client: ServingClient) -> None:
    answer = client.metadata(MODEL)
    described = get_model_metadata_pb2.SignatureDefMap()
    assert list(answer.metadata) == ["signature_def"]
    assert answer.metadata["signature_def"].Unpack(described)
    assert set(described.signature_def) == {
        *("serving_default", "sum", "with_default", "loop", "zeros", "matrix", "compiled"),
        *("batch", "scalar", "first_row"),
        *(f"echo_{dtype}" for dtype in ECHO_DTYPES),
        "__saved_model_init_op",
    }
    line = described.signature_def["serving_default"]
    assert line.inputs["x"].name == "serving_default_x:0"
    assert line.method_name == "tensorflow/serving/predict"


def test_metadata_names_the_version_but_no_signature(client: ServingClient) -> None:
    spec = client.metadata(MODEL, signature="sum").model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == (MODEL, 3, "")


def test_metadata_without_a_model_spec_is_refused(client: ServingClient) -> None:
    with refused(INVALID, "Missing ModelSpec"):
        client.prediction.GetModelMetadata(
            get_model_metadata_pb2.GetModelMetadataRequest(), timeout=5
        )


def test_metadata_without_a_field_is_refused(client: ServingClient) -> None:
    with refused(INVALID, "GetModelMetadataRequest must specify at least one metadata_field"):
        client.metadata("nobody", fields=())


def test_an_unknown_metadata_field_comes_before_an_unknown_model(client: ServingClient) -> None:
    with refused(INVALID, "Metadata field weights is not supported"):
        client.metadata("nobody", fields=("signature_def", "weights"))


def test_metadata_of_an_unknown_model_is_not_found(client: ServingClient) -> None:
    with refused(NOT_FOUND, "Servable not found for request: Latest(nobody)"):
        client.metadata("nobody")


def test_metadata_of_an_unknown_version_is_not_found(client: ServingClient) -> None:
    with refused(NOT_FOUND, "Servable not found for request: Specific(full, 9)"):
        client.metadata(MODEL, version=9)


def test_metadata_of_an_unknown_label_is_refused(client: ServingClient) -> None:
    with refused(INVALID, "Unrecognized servable version label: stable"):
        client.metadata(MODEL, label="stable")


def test_metadata_without_a_name_is_refused(client: ServingClient) -> None:
    with refused(INVALID, "ModelSpec has no name specified."):
        client.metadata("", signature="sum")


def test_the_status_of_a_served_version_is_available(client: ServingClient) -> None:
    assert client.states(MODEL) == [(3, "AVAILABLE", 0)]
    assert client.status(MODEL).model_version_status[0].status.error_message == ""


def test_the_status_of_one_version_can_be_asked_for(client: ServingClient) -> None:
    answer = client.status(MODEL, version=3)
    assert [status.version for status in answer.model_version_status] == [3]


def test_status_without_a_model_spec_is_refused(client: ServingClient) -> None:
    with refused(INVALID, "Missing ModelSpec"):
        client.model.GetModelStatus(get_model_status_pb2.GetModelStatusRequest(), timeout=5)


@pytest.mark.parametrize("name", ["nobody", ""])
def test_the_status_of_an_unknown_model_is_not_found(client: ServingClient, name: str) -> None:
    with refused(NOT_FOUND, f"Could not find any versions of model {name}"):
        client.status(name, signature="sum")


def test_the_status_of_an_unknown_version_is_not_found(client: ServingClient) -> None:
    with refused(NOT_FOUND, "Could not find version 9 of model full"):
        client.status(MODEL, version=9)


def test_a_label_is_ignored_when_the_status_is_asked_for(client: ServingClient) -> None:
    assert len(client.status(MODEL, label="none").model_version_status) == 1
