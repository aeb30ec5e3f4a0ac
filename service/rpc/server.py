"""The gRPC server, put together."""

from __future__ import annotations

from typing import Final

import grpc.aio
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from heed.v1 import inference_pb2, inference_pb2_grpc
from heed.wire.inference import grpc_inference_pb2, grpc_inference_pb2_grpc
from service.api.entrance import Entrance
from service.api.listening import AddressError
from service.pipeline.inference import InferencePipeline
from service.rpc.call_interceptor import CallInterceptor
from service.rpc.health import HealthReporter
from service.rpc.inference_service import InferenceService
from service.rpc.open_inference_service import OpenInferenceService
from service.security.server_tls import ServerTls
from service.settings import GatewaySettings

HANDSHAKE_TIMEOUT_MS: Final = 10_000
"""How long a client may take until its connection speaks HTTP/2."""
KEEPALIVE_MS: Final = 30_000
"""After so long a silence a client is asked whether it is there, and has as long to answer."""


def make_server(
    settings: GatewaySettings,
    pipeline: InferencePipeline,
    *,
    health_reporter: HealthReporter,
    entrance: Entrance,
    tls: ServerTls | None = None,
) -> tuple[grpc.aio.Server, str]:
    """Makes the server and binds its port; it answers once it is started.

    Args:
        settings: Where to listen, and limits.
        pipeline: Answers calls.
        health_reporter: Answers questions about health.
        entrance: Lets calls in.
        tls: The certificates to show; None for a port without TLS.

    Returns:
        The server, and the address it listens on, HOST:PORT.

    Raises:
        AddressError: The address cannot be used.
    """
    server = grpc.aio.server(
        interceptors=[CallInterceptor(entrance)],
        options=_options(settings),
    )
    inference_pb2_grpc.add_InferenceServiceServicer_to_server(  # type: ignore[no-untyped-call]
        InferenceService(pipeline, entrance.ending), server
    )
    grpc_inference_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(  # type: ignore[no-untyped-call]
        OpenInferenceService(pipeline, entrance.ending), server
    )
    health_pb2_grpc.add_HealthServicer_to_server(health_reporter.servicer, server)
    if settings.reflection:
        services = (
            inference_pb2.DESCRIPTOR.services_by_name["InferenceService"].full_name,
            grpc_inference_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"].full_name,
        )
        names = (*services, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
    return server, _bind(server, settings, tls)


def _options(settings: GatewaySettings) -> list[tuple[str, int]]:
    options = [
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", -1),
        # A port in use is an error; other workers' is kept for them by their supervisor.
        ("grpc.so_reuseport", int(settings.workers > 1)),
        ("grpc.max_concurrent_streams", settings.max_streams_per_connection),
        ("grpc.max_connection_idle_ms", round(settings.max_connection_idle_s * 1000)),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_TIMEOUT_MS),
        # A client that vanished without a word is noticed, and its calls end.
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_MS),
    ]
    if settings.max_connection_age_s is not None:
        options.append(("grpc.max_connection_age_ms", round(settings.max_connection_age_s * 1000)))
    return options


def _bind(server: grpc.aio.Server, settings: GatewaySettings, tls: ServerTls | None) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{host}:{settings.grpc_port}"
    try:
        if tls is None:
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, tls.grpc_credentials())
    except RuntimeError as error:
        raise AddressError(
            f"cannot listen on {address}: the port is in use, or the address is not this "
            "machine's; choose others with --host and --grpc-port"
        ) from error
    return f"{host}:{port}"
