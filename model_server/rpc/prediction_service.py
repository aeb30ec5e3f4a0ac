"""`tensorflow.serving.PredictionService`: Predict and GetModelMetadata.

Classify, Regress and MultiInference are not registered: gRPC answers UNIMPLEMENTED.
"""

from __future__ import annotations

from typing import Any

import grpc

from model_server.lifecycle.registry import ModelRegistry
from model_server.messages import get_model_metadata_pb2, predict_pb2
from model_server.rpc.answering import CallLimit, timeout_ms
from model_server.servables.predict import encode_response, model_spec, run_prediction
from model_server.status import Code, StatusError

SERVICE = "tensorflow.serving.PredictionService"
_SIGNATURE_DEF = "signature_def"
_SIGNATURE_MAP_URL = "type.googleapis.com/tensorflow.serving.SignatureDefMap"


class PredictionService:
    """The service's methods.

    Args:
        registry: The models.
        as_content: Answer in `tensor_content` instead of typed fields.
    """

    def __init__(self, registry: ModelRegistry, *, as_content: bool) -> None:
        self._registry = registry
        self._as_content = as_content

    def predict(self, request: Any, context: grpc.ServicerContext) -> bytes:
        """Run a signature; the answer is a serialised `PredictResponse`."""
        _check_model_spec(request)
        with self._registry.lease(request.model_spec) as servable:
            prediction = run_prediction(servable, request, timeout_ms=timeout_ms(context))
            return encode_response(servable, prediction, as_content=self._as_content)

    def get_model_metadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Describe every signature of a version."""
        _check_model_spec(request)
        _check_metadata_fields(request.metadata_field)
        with self._registry.lease(request.model_spec) as servable:
            response = get_model_metadata_pb2.GetModelMetadataResponse()
            response.model_spec.CopyFrom(model_spec(servable))
            described = response.metadata[_SIGNATURE_DEF]
            described.type_url, described.value = _SIGNATURE_MAP_URL, servable.signature_map
            return response

    def handlers(self, limit: CallLimit) -> grpc.GenericRpcHandler:
        """What a gRPC server needs to serve the methods."""
        metadata = get_model_metadata_pb2
        methods = {
            "Predict": grpc.unary_unary_rpc_method_handler(
                limit.answering(self.predict),
                request_deserializer=predict_pb2.PredictRequest.FromString,
            ),
            "GetModelMetadata": grpc.unary_unary_rpc_method_handler(
                limit.answering(self.get_model_metadata),
                request_deserializer=metadata.GetModelMetadataRequest.FromString,
                response_serializer=metadata.GetModelMetadataResponse.SerializeToString,
            ),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)


def _check_model_spec(request: Any) -> None:
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
