"""The gRPC server: its options, its services, and a stop that lets running calls finish."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from model_server.calls import Calls
from model_server.metrics import ServerMetrics
from model_server.rpc.answering import CallLimit
from model_server.rpc.model_service import ModelService
from model_server.rpc.prediction_service import PredictionService

_REFUSING_THREADS = 2  # beyond the limit, so that a surplus call is refused and does not wait
_HEALTH_SERVICES = ("", "ModelService", "PredictionService")
_UNLIMITED = -1


class AddressError(Exception):
    """The server cannot listen where it was told to."""


@dataclass(frozen=True)
class RpcSettings:
    """How the server is reached.

    Attributes:
        addresses: Where it listens: `host:port` (port 0: the system picks) or `unix:PATH`.
        max_calls: How many calls may run at once; the surplus is refused.
        channel_arguments: Further gRPC channel arguments, name and value.
        answers_as_content: Answer in `tensor_content` instead of typed fields.
        serves_health: Offer `grpc.health.v1.Health`.
    """

    addresses: tuple[str, ...]
    max_calls: int
    channel_arguments: tuple[tuple[str, str | int], ...] = ()
    answers_as_content: bool = False
    serves_health: bool = False


class RpcServer:
    """A running gRPC server.

    Args:
        calls: What its methods answer.
        metrics: What a reload may report on.
        settings: How it is reached.

    Attributes:
        ports: The port of each address, as it came out.

    Raises:
        AddressError: When an address is taken or makes no sense.
    """

    def __init__(self, calls: Calls, metrics: ServerMetrics, *, settings: RpcSettings) -> None:
        threads = ThreadPoolExecutor(
            settings.max_calls + _REFUSING_THREADS, thread_name_prefix="call"
        )
        self._server = grpc.server(threads, options=_options(settings.channel_arguments))
        limit = CallLimit(settings.max_calls)
        prediction = PredictionService(calls, as_content=settings.answers_as_content)
        models = ModelService(calls, metrics)
        self._server.add_generic_rpc_handlers((prediction.handlers(limit), models.handlers(limit)))
        if settings.serves_health:
            _add_health(self._server)
        self.ports = tuple(_listen(self._server, address) for address in settings.addresses)
        self._server.start()

    def stop(self, grace_s: float) -> None:
        """Accepts no more calls, and waits until those that run have ended or the time is up."""
        self._server.stop(grace_s).wait()


def _options(
    channel_arguments: Sequence[tuple[str, str | int]],
) -> list[tuple[str, str | int]]:
    return [
        ("grpc.max_receive_message_length", _UNLIMITED),
        ("grpc.max_send_message_length", _UNLIMITED),
        ("grpc.so_reuseport", 0),  # a port that is taken must be an error
        *channel_arguments,
    ]


def _listen(server: grpc.Server, address: str) -> int:
    try:
        port = server.add_insecure_port(address)
    except RuntimeError as error:
        raise AddressError(f"cannot listen on {address}: is it in use already?") from error
    if not port:
        raise AddressError(f"cannot listen on {address}")
    return port


def _add_health(server: grpc.Server) -> None:
    """Serving for as long as the process lives: readiness is a matter of GetModelStatus."""
    servicer = health.HealthServicer()
    for service in _HEALTH_SERVICES:
        servicer.set(service, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
