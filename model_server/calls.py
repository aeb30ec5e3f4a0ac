"""What the calls answer, before it is turned into gRPC or HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from model_server.lifecycle.registry import ModelRegistry
from model_server.lifecycle.states import VersionState
from model_server.messages import get_model_metadata_pb2, get_model_status_pb2
from model_server.metrics import ServerMetrics
from model_server.servables.predict import Prediction, model_spec, run_prediction
from model_server.servables.servable import Servable
from model_server.status import Code, StatusError

_SIGNATURE_DEF = "signature_def"
_SIGNATURE_MAP_URL = "type.googleapis.com/tensorflow.serving.SignatureDefMap"
_PREDICT, _RUNTIME = "Predict", "TF1"


class EntryPoint(StrEnum):
    """The way in which a request came, as the metrics name it."""

    GRPC = "GRPC"
    REST = "REST"


class Calls:
    """The server's calls, and the metrics about them.

    Args:
        registry: The models.
        metrics: Counts requests and their time.
    """

    def __init__(self, registry: ModelRegistry, metrics: ServerMetrics) -> None:
        self.registry = registry
        self._metrics = metrics

    @contextmanager
    def counted(self, name: str) -> Iterator[None]:
        """Counts a request about a model, and how it ended."""
        code = Code.UNKNOWN
        try:
            yield
        except StatusError as error:
            code = error.code
            raise
        else:
            code = Code.OK
        finally:
            self._metrics.request_count.increment(name, code.name)

    def predict(
        self,
        request: Any,
        encode: Callable[[Servable, Prediction], bytes],
        *,
        timeout_ms: int | None,
        entry_point: EntryPoint,
    ) -> bytes:
        """Runs a signature.

        Args:
            request: The `PredictRequest`.
            encode: Turns the outputs into the answer.
            timeout_ms: Stop the run after this long, 1 or more; None: never.
            entry_point: How the request came.

        Raises:
            StatusError: As TensorFlow Serving would answer.
        """
        check_model_spec(request)
        began, name = time.perf_counter(), request.model_spec.name
        with self.registry.lease(request.model_spec) as servable:
            prediction = run_prediction(servable, request, timeout_ms=timeout_ms)
            answer = encode(servable, prediction)
        self._metrics.runtime_latency.observe(prediction.run_s * 1e6, name, _PREDICT, _RUNTIME)
        latency_s = time.perf_counter() - began
        self._metrics.request_latency.observe(latency_s * 1e6, name, _PREDICT, entry_point)
        return answer

    def model_metadata(self, request: Any) -> Any:
        """Describes every signature of a version; the answer to GetModelMetadata.

        Raises:
            StatusError: As TensorFlow Serving would answer.
        """
        check_model_spec(request)
        _check_metadata_fields(request.metadata_field)
        with self.registry.lease(request.model_spec) as servable:
            response = get_model_metadata_pb2.GetModelMetadataResponse()
            response.model_spec.CopyFrom(model_spec(servable))
            described = response.metadata[_SIGNATURE_DEF]
            described.type_url, described.value = _SIGNATURE_MAP_URL, servable.signature_map
            return response

    def model_status(self, request: Any) -> Any:
        """The states of a model's versions, newest first; labels are ignored.

        Raises:
            StatusError: INVALID_ARGUMENT or NOT_FOUND.
        """
        check_model_spec(request)
        response = get_model_status_pb2.GetModelStatusResponse()
        for state in self._states(request.model_spec):
            described = response.model_version_status.add()
            described.version, described.state = state.version, int(state.state)
            described.status.error_code = int(state.error.code) if state.error else 0
            described.status.error_message = state.error.message if state.error else ""
        return response

    def _states(self, model_spec: Any) -> Sequence[VersionState]:
        states = self.registry.version_states(model_spec.name)
        if not states:
            raise StatusError(
                Code.NOT_FOUND, f"Could not find any versions of model {model_spec.name}"
            )
        if model_spec.WhichOneof("version_choice") != "version":
            return states
        version = model_spec.version.value
        chosen = [state for state in states if state.version == version]
        if not chosen:
            raise StatusError(
                Code.NOT_FOUND, f"Could not find version {version} of model {model_spec.name}"
            )
        return chosen


def check_model_spec(request: Any) -> None:
    """Every request must say which model it is about.

    Raises:
        StatusError: INVALID_ARGUMENT when it does not.
    """
    if not request.HasField("model_spec"):
        raise StatusError(Code.INVALID_ARGUMENT, "Missing ModelSpec")


def _check_metadata_fields(fields: Any) -> None:
    if not fields:
        raise StatusError(
            Code.INVALID_ARGUMENT,
            "GetModelMetadataRequest must specify at least one metadata_field",
        )
    for field in fields:
        if field != _SIGNATURE_DEF:
            raise StatusError(Code.INVALID_ARGUMENT, f"Metadata field {field} is not supported")
