"""Puts the server together from its settings."""

from __future__ import annotations

import logging

from model_server.batching.parameters import BatchingParameters, read_batching_parameters
from model_server.batching.scheduler import BatchScheduler
from model_server.calls import Calls
from model_server.engine.session import SessionConfig
from model_server.lifecycle.manager import LoadPolicy
from model_server.lifecycle.registry import ModelRegistry, WatchPolicy
from model_server.metrics import ServerMetrics
from model_server.rest.monitoring import read_metrics_path
from model_server.rest.routes import Routes
from model_server.rest.server import RestServer
from model_server.rpc.server import RpcServer, RpcSettings
from model_server.servables.loading import Batching, SavedModelLoader
from model_server.settings import Settings

_DEFAULT_THREAD_POOL = "model_server_batch_threads"
logger = logging.getLogger(__name__)


def build_batching(settings: Settings) -> Batching | None:
    """The batch threads and parameters; None without batching.

    Raises:
        StatusError: When the parameters cannot be read or are not valid.
    """
    if not settings.enable_batching:
        return None
    parameters = (
        read_batching_parameters(settings.batching_parameters_path)
        if settings.batching_parameters_path
        else BatchingParameters(thread_pool_name=_DEFAULT_THREAD_POOL)
    )
    return Batching(
        parameters,
        BatchScheduler(parameters.threads),
        per_version=settings.enable_per_model_batching_parameters,
    )


def build_registry(
    settings: Settings, metrics: ServerMetrics, *, batching: Batching | None
) -> ModelRegistry:
    """The models, not yet started.

    Raises:
        FlagError: When the session's configuration cannot be read.
    """
    loader = SavedModelLoader(
        SessionConfig(settings.session_config(), settings.tags),
        warmup_iterations=settings.warmup_iterations,
        batching=batching,
        metrics=metrics,
    )
    loads = LoadPolicy(
        concurrent_loads=max(1, settings.num_load_threads),
        concurrent_loads_at_start=settings.load_threads_at_start,
        max_retries=settings.max_num_load_retries,
        retry_interval_s=settings.retry_interval_s,
    )
    watch = WatchPolicy(
        poll_interval_s=settings.file_system_poll_wait_seconds,
        config_interval_s=settings.model_config_file_poll_wait_seconds,
        allow_labels_for_unavailable=settings.allow_version_labels_for_unavailable_models,
    )
    return ModelRegistry(loader, loads, watch)


def start_rpc_server(settings: Settings, calls: Calls, *, metrics: ServerMetrics) -> RpcServer:
    """The gRPC server, listening.

    Raises:
        AddressError: When it cannot listen.
    """
    rpc_settings = RpcSettings(
        addresses=settings.addresses,
        max_calls=settings.grpc_max_threads,
        channel_arguments=settings.channel_arguments,
        answers_as_content=settings.enable_serialization_as_tensor_content,
        serves_health=settings.enable_grpc_healthcheck_service,
    )
    return RpcServer(calls, metrics, settings=rpc_settings)


def start_rest_server(
    settings: Settings, calls: Calls, *, metrics: ServerMetrics
) -> RestServer | None:
    """The HTTP server, listening; None without one.

    Raises:
        RestAddressError: When it cannot listen.
        StatusError: When the monitoring configuration cannot be read or is not valid.
    """
    path = settings.monitoring_config_path
    metrics_path = read_metrics_path(path) if path else None
    if settings.rest_api_port == 0:
        if metrics_path:
            logger.warning("--monitoring_config_file has no effect without --rest_api_port")
        return None
    routes = Routes(
        calls,
        metrics,
        metrics_path=metrics_path,
        timeout_ms=settings.rest_api_timeout_in_ms,
    )
    return RestServer(
        routes,
        host=settings.host,
        port=max(0, settings.rest_api_port),
        max_calls=settings.rest_api_num_threads,
    )
