"""The gRPC server, put together."""

from __future__ import annotations

import grpc.aio
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from heed.v1 import inference_pb2, inference_pb2_grpc
from service.api.entrance import Entrance
from service.pipeline.inference import InferencePipeline
from service.rpc.call_interceptor import CallInterceptor
from service.rpc.health import HealthReporter
from service.rpc.inference_service import InferenceService
from service.settings import GatewaySettings


class AddressError(OSError):
    """The gateway cannot listen where it was told to."""


def make_server(
    settings: GatewaySettings,
    pipeline: InferencePipeline,
    *,
    health_reporter: HealthReporter,
    entrance: Entrance,
) -> tuple[grpc.aio.Server, str]:
    """Makes the server and binds its port; it answers once it is started.

    Args:
        settings: Where to listen, and limits.
        pipeline: Answers calls.
        health_reporter: Answers questions about health.
        entrance: Lets calls in.

    Returns:
        The server, and the address it listens on, HOST:PORT.

    Raises:
        AddressError: The address cannot be used.
    """
    server = grpc.aio.server(
        interceptors=[CallInterceptor(entrance)],
        options=[
            ("grpc.max_receive_message_length", settings.max_message_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),  # a port in use is an error
        ],
    )
    inference_pb2_grpc.add_InferenceServiceServicer_to_server(  # type: ignore[no-untyped-call]
        InferenceService(pipeline), server
    )
    health_pb2_grpc.add_HealthServicer_to_server(health_reporter.servicer, server)
    if settings.reflection:
        service = inference_pb2.DESCRIPTOR.services_by_name["InferenceService"].full_name
        names = (service, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)
    return server, _bind(server, settings)


def _bind(server: grpc.aio.Server, settings: GatewaySettings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"{host}:{settings.grpc_port}"
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise AddressError(
            f"cannot listen on {address}: the port is in use, or the address is not this "
            "machine's; choose others with --host and --grpc-port"
        ) from error
    return f"{host}:{port}"
