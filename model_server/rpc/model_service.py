"""`tensorflow.serving.ModelService`: GetModelStatus and HandleReloadConfigRequest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc

from model_server.lifecycle.config import model_configs
from model_server.lifecycle.registry import ModelRegistry
from model_server.lifecycle.states import VersionState
from model_server.messages import get_model_status_pb2, model_management_pb2
from model_server.rpc.answering import CallLimit, timeout_ms
from model_server.status import Code, StatusError

SERVICE = "tensorflow.serving.ModelService"
RELOAD_LIMIT_S = 300.0


class ModelService:
    """The service's methods.

    Args:
        registry: The models.
    """

    def __init__(self, registry: ModelRegistry) -> None:
        self._registry = registry

    def get_model_status(self, request: Any, context: grpc.ServicerContext) -> Any:
        """The states of a model's versions, newest first; labels are ignored."""
        if not request.HasField("model_spec"):
            raise StatusError(Code.INVALID_ARGUMENT, "Missing ModelSpec")
        response = get_model_status_pb2.GetModelStatusResponse()
        for state in self._states(request.model_spec):
            described = response.model_version_status.add()
            described.version, described.state = state.version, int(state.state)
            described.status.error_code = int(state.error.code) if state.error else 0
            described.status.error_message = state.error.message if state.error else ""
        return response

    def handle_reload_config(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Serve exactly the listed models from now on; returns when the new ones can be used.

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
        new = self._registry.apply(model_configs(config.model_config_list.config))
        limit_ms = timeout_ms(context)
        limit_s = RELOAD_LIMIT_S if limit_ms is None else min(RELOAD_LIMIT_S, limit_ms / 1000)
        if not self._registry.wait_until_available(new, timeout_s=limit_s):
            raise StatusError(
                Code.DEADLINE_EXCEEDED,
                f"The new models have no available version after {limit_s:.0f} s; "
                "the new configuration stays in force",
            )
        return model_management_pb2.ReloadConfigResponse(status={})

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

    def _states(self, model_spec: Any) -> Sequence[VersionState]:
        states = self._registry.version_states(model_spec.name)
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
