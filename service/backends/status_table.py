"""The model server's gRPC status codes, each as one of the gateway's errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import grpc

from service.domain.models import VersionKey
from service.errors import (
    DeadlinePassedError,
    ModelContractError,
    ModelRejectedInputError,
    ModelServerBusyError,
    ModelServerFailureError,
    ModelServerUnreachableError,
    ServiceError,
    Stage,
    VersionGoneError,
)

ErrorMaker = Callable[[VersionKey, str], ServiceError]

_FULL_BATCHING_QUEUE: Final = "The batch scheduling queue to which this task was submitted is full"


def _breaks_contract(key: VersionKey, details: str) -> ServiceError:
    return ModelContractError(
        f"the model server cannot run model {key.name!r} version {key.version} as its contract "
        "says; export it again",
        {"model": key.name, "version": str(key.version)},
    )


def _rejected_input(key: VersionKey, details: str) -> ServiceError:
    return ModelRejectedInputError(
        f"model {key.name!r} version {key.version} rejected an input that its contract allows",
        {"model": key.name, "version": str(key.version)},
    )


def _failed(key: VersionKey, details: str) -> ServiceError:
    return ModelServerFailureError(
        f"the model server failed on model {key.name!r} version {key.version}: {details}"
    )


def _unreachable(key: VersionKey, details: str) -> ServiceError:
    return ModelServerUnreachableError(key.name)


def _unavailable(key: VersionKey, details: str) -> ServiceError:
    """TensorFlow Serving answers UNAVAILABLE also when its own batching queue is full."""
    if _FULL_BATCHING_QUEUE in details:
        return ModelServerBusyError()
    return _unreachable(key, details)


STATUS_TABLE: Final[Mapping[grpc.StatusCode, ErrorMaker]] = {
    grpc.StatusCode.CANCELLED: _unreachable,
    grpc.StatusCode.UNKNOWN: _failed,
    grpc.StatusCode.INVALID_ARGUMENT: _rejected_input,
    grpc.StatusCode.DEADLINE_EXCEEDED: lambda key, details: DeadlinePassedError(Stage.MODEL),
    grpc.StatusCode.NOT_FOUND: lambda key, details: VersionGoneError(key.name, key.version),
    grpc.StatusCode.ALREADY_EXISTS: _failed,
    grpc.StatusCode.PERMISSION_DENIED: _failed,
    grpc.StatusCode.UNAUTHENTICATED: _failed,
    grpc.StatusCode.RESOURCE_EXHAUSTED: lambda key, details: ModelServerBusyError(),
    grpc.StatusCode.FAILED_PRECONDITION: _breaks_contract,
    grpc.StatusCode.ABORTED: _unreachable,
    grpc.StatusCode.OUT_OF_RANGE: _rejected_input,
    grpc.StatusCode.UNIMPLEMENTED: _breaks_contract,
    grpc.StatusCode.INTERNAL: _failed,
    grpc.StatusCode.UNAVAILABLE: _unavailable,
    grpc.StatusCode.DATA_LOSS: _failed,
}
"""Every code but OK. The model server's own words go to the log, never to callers."""


def error_for_status(code: grpc.StatusCode, details: str, key: VersionKey) -> ServiceError:
    """The gateway's error for a failed Predict call."""
    return STATUS_TABLE[code](key, details)
