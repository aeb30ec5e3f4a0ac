"""Predict: the order of the checks, the codes and the exact messages."""

from __future__ import annotations

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from tests.support.serving_client import ServingClient, refused, tensor

MODEL = "full"
INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
ONE = {"x": tensor([1.0])}


def test_the_answer_names_the_version_and_signature_that_ran(client: ServingClient) -> None:
    answer = client.predict(MODEL, {"x": tensor([2.0, 4.0])})
    assert answer.model_spec.name == MODEL
    assert answer.model_spec.version.value == 3
    assert answer.model_spec.signature_name == "serving_default"
    assert answer.model_spec.WhichOneof("version_choice") == "version"
    assert sorted(answer.outputs) == ["kind", "y"]
    assert tf.make_ndarray(answer.outputs["y"]).tolist() == [3.0, 4.0]
    assert tf.make_ndarray(answer.outputs["kind"]).tolist() == [3, 3]


def test_a_version_that_is_asked_for_runs(client: ServingClient) -> None:
    assert client.predict(MODEL, ONE, version=3).model_spec.version.value == 3


def test_only_the_filtered_outputs_are_returned(client: ServingClient) -> None:
    answer = client.predict(MODEL, ONE, outputs=["y"])
    assert list(answer.outputs) == ["y"]


def test_the_signature_asked_for_runs_and_is_named(client: ServingClient) -> None:
    inputs = {"a": tensor([1.0]), "b": tensor([2.0])}
    answer = client.predict(MODEL, inputs, signature="sum")
    assert answer.model_spec.signature_name == "sum"
    assert tf.make_ndarray(answer.outputs["total"]).tolist() == [3.0]


def test_a_request_without_a_model_spec_is_refused(client: ServingClient) -> None:
    with refused(INVALID, "Missing ModelSpec"):
        client.prediction.Predict(predict_pb2.PredictRequest(), timeout=5)


def test_a_request_without_a_name_is_refused(client: ServingClient) -> None:
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = "sum"
    with refused(INVALID, "ModelSpec has no name specified."):
        client.prediction.Predict(request, timeout=5)


def test_an_unknown_label_is_refused(client: ServingClient) -> None:
    with refused(INVALID, "Unrecognized servable version label: canary"):
        client.predict(MODEL, ONE, label="canary")


def test_an_unknown_label_comes_before_an_unknown_model(client: ServingClient) -> None:
    with refused(INVALID, "Unrecognized servable version label: canary"):
        client.predict("nobody", ONE, label="canary")


def test_an_unknown_model_is_not_found(client: ServingClient) -> None:
    with refused(NOT_FOUND, "Servable not found for request: Latest(nobody)"):
        client.predict("nobody", ONE)


@pytest.mark.parametrize("version", [0, 9])
def test_an_unknown_version_is_not_found(client: ServingClient, version: int) -> None:
    with refused(NOT_FOUND, f"Servable not found for request: Specific(full, {version})"):
        client.predict(MODEL, ONE, version=version)


def test_an_unknown_model_comes_before_an_unknown_signature(client: ServingClient) -> None:
    with refused(NOT_FOUND):
        client.predict("nobody", ONE, signature="none")


def test_an_unknown_signature_is_refused(client: ServingClient) -> None:
    with refused(grpc.StatusCode.FAILED_PRECONDITION, 'Serving signature key "none" not found.'):
        client.predict(MODEL, {}, signature="none", outputs=["none"])


def test_a_missing_input_is_refused(client: ServingClient) -> None:
    message = (
        "input size does not match signature: 1!=2 len({a}) != len({a,b}). "
        "Sent extra: {}. Missing but required: {b}."
    )
    with refused(INVALID, message):
        client.predict(MODEL, {"a": tensor([1.0])}, signature="sum", outputs=["none"])


def test_an_extra_input_is_refused(client: ServingClient) -> None:
    message = (
        "input size does not match signature: 2!=1 len({x,z}) != len({x}). "
        "Sent extra: {z}. Missing but required: {}."
    )
    with refused(INVALID, message):
        client.predict(MODEL, {**ONE, "z": tensor([1.0])})


def test_a_wrong_input_name_is_refused(client: ServingClient) -> None:
    message = (
        "Signature input alias: x(feed name: serving_default_x:0) not found in request and no "
        "default value provided. Inputs expected to be in the request {z}, or default input "
        "alias set: "
    )
    with refused(INVALID, message):
        client.predict(MODEL, {"z": tensor([1.0])})


def test_an_input_that_is_not_sent_takes_its_default(client: ServingClient) -> None:
    answer = client.predict(MODEL, {"a": tensor([1.0])}, signature="with_default")
    assert tf.make_ndarray(answer.outputs["total"]).tolist() == [11.0]


def test_an_input_with_a_default_can_be_sent(client: ServingClient) -> None:
    inputs = {"a": tensor([1.0]), "b": tensor([2.0])}
    answer = client.predict(MODEL, inputs, signature="with_default")
    assert tf.make_ndarray(answer.outputs["total"]).tolist() == [3.0]


def test_an_input_without_a_default_is_missed_beside_one_with(client: ServingClient) -> None:
    message = (
        "Signature input alias: a(feed name: with_default_a:0) not found in request and no "
        "default value provided. Inputs expected to be in the request {b}, or default input "
        "alias set: b"
    )
    with refused(INVALID, message):
        client.predict(MODEL, {"b": tensor([1.0])}, signature="with_default")


def test_a_wrong_name_hidden_by_a_default_is_refused(client: ServingClient) -> None:
    message = "Inputs contains invalid name. Used request inputs: a, request input: a,z"
    with refused(INVALID, message):
        client.predict(MODEL, {"a": tensor([1.0]), "z": tensor([1.0])}, signature="with_default")


@pytest.mark.parametrize(
    "broken",
    [
        tf.make_tensor_proto([1.0, 2.0]).SerializeToString() + b"\x22\x03abc",  # wrong length
        b"\x08\x01\x12\x0d\x12\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # dimension -1
        b"\x08\x63\x12\x00",  # no such type
        b"",  # no type at all
    ],
)
def test_an_input_that_does_not_parse_is_refused(client: ServingClient, broken: bytes) -> None:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = MODEL
    request.inputs["x"].ParseFromString(broken)
    request.output_filter.append("none")
    with refused(INVALID, "tensor parsing error: x"):
        client.prediction.Predict(request, timeout=5)


def test_an_unknown_output_is_refused(client: ServingClient) -> None:
    message = (
        "output tensor alias not found in signature: none "
        "Outputs expected to be in the set {kind,y}."
    )
    with refused(INVALID, message):
        client.predict(MODEL, ONE, outputs=["y", "none"])


def test_an_output_twice_is_refused(client: ServingClient) -> None:
    with refused(INVALID, "duplicate output tensor alias: y"):
        client.predict(MODEL, ONE, outputs=["y", "y"])


def test_a_wrong_type_is_refused_and_never_cast(client: ServingClient) -> None:
    with refused(INVALID, "Expects arg[0] to be float but int64 is provided"):
        client.predict(MODEL, {"x": tensor([1], np.int64)})


@pytest.mark.parametrize("values", [5.0, [[1.0, 2.0], [3.0, 4.0]]])
def test_a_shape_that_the_graph_can_run_is_not_checked(
    client: ServingClient, values: object
) -> None:
    answer = client.predict(MODEL, {"x": tensor(values)}, outputs=["y"])
    expected = np.asarray(values) / 2 + 2
    assert tf.make_ndarray(answer.outputs["y"]).tolist() == expected.tolist()


def test_a_shape_that_the_graph_cannot_run_is_refused(client: ServingClient) -> None:
    with refused(INVALID):
        client.predict(MODEL, {"x": tensor([[1.0, 2.0, 3.0]])}, signature="matrix")


def test_an_empty_batch_runs(client: ServingClient) -> None:
    answer = client.predict(MODEL, {"x": tensor([])}, outputs=["y"])
    assert tf.make_ndarray(answer.outputs["y"]).shape == (0,)
    assert not answer.outputs["y"].float_val


def test_a_run_that_passes_the_deadline_is_stopped(client: ServingClient) -> None:
    with refused(grpc.StatusCode.DEADLINE_EXCEEDED):
        client.predict(
            MODEL, {"steps": tensor([10**12], np.int64)}, signature="loop", timeout_s=0.3
        )


def test_a_graph_that_wants_xla_fails_as_it_does_in_production(client: ServingClient) -> None:
    with refused(grpc.StatusCode.INTERNAL):
        client.predict(MODEL, ONE, signature="compiled")


def test_a_long_message_is_cut(client: ServingClient) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        client.predict("m" * 2000, ONE)
    details = caught.value.details()
    assert details == ("Servable not found for request: Latest(" + "m" * 2000)[:1024] + (
        "...TRUNCATED"
    )


def test_messages_beyond_four_mebibytes_go_both_ways(client: ServingClient) -> None:
    values = np.arange(3_000_000, dtype=np.float32)
    answer = client.predict(MODEL, {"x": tensor(values)}, signature="echo_float32")
    assert np.array_equal(np.array(answer.outputs["y"].float_val, np.float32), values)


@pytest.mark.parametrize("method", ["Classify", "Regress", "MultiInference"])
def test_methods_outside_the_contract_are_unimplemented(client: ServingClient, method: str) -> None:
    call = client.channel.unary_unary(f"/tensorflow.serving.PredictionService/{method}")
    with refused(grpc.StatusCode.UNIMPLEMENTED):
        call(b"", timeout=5)
