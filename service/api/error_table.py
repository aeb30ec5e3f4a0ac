"""The one table from the gateway's errors to gRPC's status codes and google.rpc's details."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from service import errors

ERROR_DOMAIN: Final = "heed"

STATUS_CODES: Final[Mapping[type[errors.ServiceError], grpc.StatusCode]] = {
    errors.InvalidRequestError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.UnreadableRequestError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.RequestTooLargeError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.WrongContentTypeError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.SlowRequestError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
    errors.MissingApiKeyError: grpc.StatusCode.UNAUTHENTICATED,
    errors.InvalidApiKeyError: grpc.StatusCode.UNAUTHENTICATED,
    errors.ExpiredApiKeyError: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDeniedError: grpc.StatusCode.PERMISSION_DENIED,
    errors.ModelNotPermittedError: grpc.StatusCode.PERMISSION_DENIED,
    errors.NotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.UnknownModelError: grpc.StatusCode.NOT_FOUND,
    errors.UnknownVersionError: grpc.StatusCode.NOT_FOUND,
    errors.UnknownLabelError: grpc.StatusCode.NOT_FOUND,
    errors.OverloadedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.QueueFullError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.DeadlineOutOfReachError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.RateLimitedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.TooManyCallsError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.ModelServerBusyError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.DeadlinePassedError: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.UnavailableError: grpc.StatusCode.UNAVAILABLE,
    errors.ModelServerUnreachableError: grpc.StatusCode.UNAVAILABLE,
    errors.ModelNotReadyError: grpc.StatusCode.UNAVAILABLE,
    errors.VersionGoneError: grpc.StatusCode.UNAVAILABLE,
    errors.DrainingError: grpc.StatusCode.UNAVAILABLE,
    errors.ModelContractError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.ModelAnswerError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.ModelRejectedInputError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.InternalError: grpc.StatusCode.INTERNAL,
    errors.ModelServerFailureError: grpc.StatusCode.INTERNAL,
}

MAX_TEXT_BYTES: Final = 600
"""The longest text of an error, in bytes of UTF-8: clients drop a trailer above 8 KiB, and with it
everything that it says. The text travels twice, once with three bytes for each."""

INTERNAL_MESSAGE: Final = "internal error; the log says more under the request id"


@dataclass(frozen=True, slots=True)
class WireError:
    """An error as gRPC sends it.

    Attributes:
        code: The status code.
        message: The text.
        details: A serialised google.rpc.Status, for the trailer `grpc-status-details-bin`.
    """

    code: grpc.StatusCode
    message: str
    details: bytes


def code_of(failure: BaseException) -> grpc.StatusCode:
    """The status code of a call that ended so: by an error, or because its caller left."""
    if isinstance(failure, errors.ServiceError):
        return STATUS_CODES[type(failure)]
    is_fault = isinstance(failure, Exception)
    return grpc.StatusCode.INTERNAL if is_fault else grpc.StatusCode.CANCELLED


def to_wire(error: Exception, request_id: str) -> WireError:
    """The error as gRPC sends it. Whatever is unknown tells callers nothing but the request's id.

    Args:
        error: What went wrong.
        request_id: The id of the request, sent with every error.
    """
    request_info = error_details_pb2.RequestInfo(request_id=request_id)
    if not isinstance(error, errors.ServiceError):
        return _wire_error(grpc.StatusCode.INTERNAL, INTERNAL_MESSAGE, [request_info])
    code = STATUS_CODES[type(error)]
    is_internal = code is grpc.StatusCode.INTERNAL
    message = INTERNAL_MESSAGE if is_internal else shortened(error.message)
    metadata = {key: shortened(value) for key, value in error.metadata.items()}
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=ERROR_DOMAIN, metadata=metadata)
    return _wire_error(code, message, [info, *_further_details(error), request_info])


def shortened(text: str) -> str:
    """The text, cut with an ellipsis if it has more than MAX_TEXT_BYTES bytes of UTF-8."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= MAX_TEXT_BYTES:
        return text
    return encoded[: MAX_TEXT_BYTES - 3].decode(errors="ignore") + "…"


def _further_details(error: errors.ServiceError) -> list[Message]:
    if isinstance(error, errors.InvalidRequestError):
        violations = [
            error_details_pb2.BadRequest.FieldViolation(
                field=violation.field, description=violation.description
            )
            for violation in error.violations
        ]
        return [error_details_pb2.BadRequest(field_violations=violations)]
    if isinstance(error, errors.OverloadedError):
        pause = duration_pb2.Duration()
        pause.FromNanoseconds(int(error.retry_after_s * 1e9))
        return [error_details_pb2.RetryInfo(retry_delay=pause)]
    return []


def _wire_error(code: grpc.StatusCode, message: str, details: list[Message]) -> WireError:
    status = status_pb2.Status(code=code.value[0], message=message)
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return WireError(code, message, status.SerializeToString())
