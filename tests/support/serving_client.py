"""The official TensorFlow Serving stubs, with shorthands for requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from tests.support.waiting import wait_until

CALL_TIMEOUT_S = 20.0
_STATE_NAMES = {
    0: "UNKNOWN",
    10: "START",
    20: "LOADING",
    30: "AVAILABLE",
    40: "UNLOADING",
    50: "END",
}


def tensor(values: Any, dtype: Any = np.float32) -> Any:
    """A TensorProto from a list."""
    return tf.make_tensor_proto(values, dtype)


def predict_request(name: str, inputs: Mapping[str, Any], **options: Any) -> Any:
    """A PredictRequest.

    Args:
        name: The model.
        inputs: Alias to TensorProto.
        options: `version`, `label`, `signature` and `outputs` (the filter).
    """
    request = predict_pb2.PredictRequest()
    fill_model_spec(request.model_spec, name, **{**options, "outputs": None})
    for alias, value in inputs.items():
        request.inputs[alias].CopyFrom(value)
    request.output_filter.extend(options.get("outputs") or ())
    return request


def fill_model_spec(spec: Any, name: str, **options: Any) -> None:
    """Set the name and, when given, `version`, `label` and `signature`."""
    spec.name = name
    if options.get("version") is not None:
        spec.version.value = options["version"]
    if options.get("label"):
        spec.version_label = options["label"]
    spec.signature_name = options.get("signature") or ""


class ServingClient:
    """One channel with the official stubs."""

    def __init__(self, address: str) -> None:
        options = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
        self.channel = grpc.insecure_channel(address, options=options)
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.model = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def predict(self, name: str, inputs: Mapping[str, Any], **options: Any) -> Any:
        """Predict; `timeout_s` besides the options of `predict_request`."""
        timeout_s = options.pop("timeout_s", CALL_TIMEOUT_S)
        return self.prediction.Predict(predict_request(name, inputs, **options), timeout=timeout_s)

    def line(self, name: str, values: Sequence[float], **options: Any) -> list[float]:
        """The output `y` of `serving_default`."""
        answer = self.predict(name, {"x": tensor(values)}, **options)
        return [float(value) for value in tf.make_ndarray(answer.outputs["y"])]

    def metadata(
        self, name: str, fields: Sequence[str] = ("signature_def",), **options: Any
    ) -> Any:
        """GetModelMetadata."""
        request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=fields)
        fill_model_spec(request.model_spec, name, **options)
        return self.prediction.GetModelMetadata(request, timeout=CALL_TIMEOUT_S)

    def status(self, name: str, **options: Any) -> Any:
        """GetModelStatus."""
        request = get_model_status_pb2.GetModelStatusRequest()
        fill_model_spec(request.model_spec, name, **options)
        return self.model.GetModelStatus(request, timeout=CALL_TIMEOUT_S)

    def states(self, name: str) -> list[tuple[int, str, int]]:
        """Version, state and error code of each version, in the server's order."""
        return [
            (status.version, _STATE_NAMES[status.state], status.status.error_code)
            for status in self.status(name).model_version_status
        ]

    def wait_for_states(self, name: str, *expected: tuple[int, str, int]) -> None:
        """Wait until the versions' states are these."""
        wait_until(lambda: self.states(name) == list(expected), lambda: str(self.states(name)))


@contextmanager
def serving_client(address: str) -> Iterator[ServingClient]:
    """A client that is closed at the end of the block."""
    client = ServingClient(address)
    try:
        yield client
    finally:
        client.channel.close()


@contextmanager
def refused(code: grpc.StatusCode, details: str | None = None) -> Iterator[None]:
    """Expect a call to fail with that code and, when given, exactly those details."""
    with pytest.raises(grpc.RpcError) as caught:
        yield
    answer = caught.value.code(), caught.value.details()
    assert answer == (code, answer[1] if details is None else details)
