"""`tensorflow.serving.ModelService`: GetModelStatus and HandleReloadConfigRequest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import grpc

from model_server.calls import Calls
from model_server.lifecycle.config import model_configs
from model_server.messages import get_model_status_pb2, model_management_pb2
from model_server.metrics import ServerMetrics
from model_server.rpc.answering import CallLimit, timeout_ms
from model_server.status import Code, StatusError

SERVICE = "tensorflow.serving.ModelService"
RELOAD_LIMIT_S = 300.0


class ModelService:
    """The service's methods.

    Args:
        calls: What they answer.
        metrics: What a reload may report on.
    """

    def __init__(self, calls: Calls, metrics: ServerMetrics) -> None:
        self._calls = calls
        self._metrics = metrics

    def get_model_status(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The states of a model's versions, newest first; labels are ignored."""
        return self._calls.model_status(request)

    def handle_reload_config(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Serves exactly the listed models from now on; returns when the new ones can be used.

        The real server waits for ever for a model without a version; this one for five minutes at
        most, or until the caller's deadline.
        """
        config = request.config
        if config.WhichOneof("config") != "model_config_list":
            raise StatusError(
                Code.INVALID_ARGUMENT,
                "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                "Only ModelConfigList is currently supported",
            )
        before = self._metrics.totals()
        new = self._calls.registry.apply(model_configs(config.model_config_list.config))
        limit_ms = timeout_ms(context)
        limit_s = RELOAD_LIMIT_S if limit_ms is None else min(RELOAD_LIMIT_S, limit_ms / 1000)
        if not self._calls.registry.wait_until_available(new, timeout_s=limit_s):
            raise StatusError(
                Code.DEADLINE_EXCEEDED,
                f"The new models have no available version after {limit_s:.0f} s; "
                "the new configuration stays in force",
            )
        return self._response(before, request.metric_names)

    def handlers(self, limit: CallLimit) -> grpc.GenericRpcHandler:
        """What a gRPC server needs to serve the methods."""
        status, management = get_model_status_pb2, model_management_pb2
        methods = {
            "GetModelStatus": grpc.unary_unary_rpc_method_handler(
                limit.answering(self.get_model_status),
                request_deserializer=status.GetModelStatusRequest.FromString,
                response_serializer=status.GetModelStatusResponse.SerializeToString,
            ),
            "HandleReloadConfigRequest": grpc.unary_unary_rpc_method_handler(
                limit.answering(self.handle_reload_config),
                request_deserializer=management.ReloadConfigRequest.FromString,
                response_serializer=management.ReloadConfigResponse.SerializeToString,
            ),
        }
        return grpc.method_handlers_generic_handler(SERVICE, methods)

    def _response(self, before: Mapping[str, int], metric_names: Iterable[str]) -> Any:
        """Success, and how much each counter that was asked for has risen."""
        response = model_management_pb2.ReloadConfigResponse(status={})
        now = self._metrics.totals()
        for name in metric_names:
            if name in now:
                response.metric.add(name=name, int64_value_increase=now[name] - before[name])
        return response
