"""`tensorflow.serving.PredictionService`: Predict and GetModelMetadata.

Classify, Regress and MultiInference are not registered: gRPC answers UNIMPLEMENTED.
"""

from __future__ import annotations

from typing import Any

import grpc

from model_server.calls import Calls, EntryPoint
from model_server.messages import get_model_metadata_pb2, predict_pb2
from model_server.rpc.answering import CallLimit, timeout_ms
from model_server.servables.predict import Prediction, encode_response
from model_server.servables.servable import Servable

SERVICE = "tensorflow.serving.PredictionService"


class PredictionService:
    """The service's methods.

    Args:
        calls: What they answer.
        as_content: Answer in `tensor_content` instead of typed fields.
    """

    def __init__(self, calls: Calls, *, as_content: bool) -> None:
        self._calls = calls
        self._as_content = as_content

    def predict(self, request: Any, context: grpc.ServicerContext) -> bytes:
        """Runs a signature; the answer is a serialised `PredictResponse`."""
        with self._calls.counted(request.model_spec.name):
            limit_ms = timeout_ms(context)
            return self._calls.predict(
                request, self._encode, timeout_ms=limit_ms, entry_point=EntryPoint.GRPC
            )

    def get_model_metadata(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Describes every signature of a version."""
        return self._calls.model_metadata(request)

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

    def _encode(self, servable: Servable, prediction: Prediction) -> bytes:
        return encode_response(servable, prediction, as_content=self._as_content)
