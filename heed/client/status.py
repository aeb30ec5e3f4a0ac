"""From a failed call of gRPC to the error that the caller sees."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from heed.client.errors import (
    AccessError,
    ErrorDetails,
    FieldViolation,
    GatewayFaultError,
    HeedError,
    InvalidRequestError,
    ModelFaultError,
    NotFoundError,
    OverloadedError,
    TimedOutError,
    UnavailableError,
    UnreachableError,
)
from heed.v1 import inference_pb2

_DETAILS_KEY: Final = "grpc-status-details-bin"

_CLASSES: Final[dict[grpc.StatusCode, type[HeedError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequestError,
    grpc.StatusCode.OUT_OF_RANGE: InvalidRequestError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: OverloadedError,
    grpc.StatusCode.DEADLINE_EXCEEDED: TimedOutError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.FAILED_PRECONDITION: ModelFaultError,
    grpc.StatusCode.UNAUTHENTICATED: AccessError,
    grpc.StatusCode.PERMISSION_DENIED: AccessError,
}

_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}

_SIGNS_OF_TLS: Final = {
    "CERTIFICATE_VERIFY_FAILED": "its certificate is signed by nobody who is trusted here, or is "
    "not valid now; give the certificate of who signed it (Tls(ca=...), --tls-ca)",
    "Hostname Verification": "its certificate is for another name; use the name that it bears",
    "WRONG_VERSION_NUMBER": "it does not speak TLS; leave tls away, or give another port",
    "Socket closed": "it closed the connection; it may ask for TLS (tls=Tls(), --tls), or for a "
    "certificate of yours (Tls(cert=..., key=...), --tls-cert and --tls-key)",
}
"""What gRPC says of a failed handshake, and what it means."""


def heed_error(error: grpc.RpcError, *, address: str, timeout_s: float) -> HeedError:
    """The error for a failed call.

    Args:
        error: What gRPC raised; synchronous and asynchronous calls raise alike.
        address: Where the gateway was looked for.
        timeout_s: How long the call was allowed to take, in seconds.
    """
    code: grpc.StatusCode = error.code()
    text: str = error.details() or ""
    status = _rich_status(error.trailing_metadata() or ())
    if status is None:
        return _error_of_grpc_itself(code, text, address=address, timeout_s=timeout_s)
    details = _error_details(code, status)
    message = _message(status.message or text, details.field_violations)
    return _CLASSES.get(code, GatewayFaultError)(message, details)


def text_error(message: inference_pb2.TextError) -> HeedError:
    """The error for a text of many that was not answered."""
    code = _CODES.get(message.code, grpc.StatusCode.UNKNOWN)
    violations = tuple(
        FieldViolation(violation.field, violation.description)
        for violation in message.field_violations
    )
    retry_delay_s = None
    if message.HasField("retry_delay"):
        retry_delay_s = message.retry_delay.ToTimedelta().total_seconds()
    details = ErrorDetails(
        code.name, message.reason, violations, retry_delay_s, dict(message.metadata)
    )
    text = _message(message.message, violations)
    return _CLASSES.get(code, GatewayFaultError)(text, details)


def timed_out(address: str, timeout_s: float) -> TimedOutError:
    """The error for a gateway that does not answer in time."""
    return TimedOutError(
        f"no answer from {address} within {timeout_s:g} s; allow more time, or ask for less",
        ErrorDetails(grpc.StatusCode.DEADLINE_EXCEEDED.name),
    )


def _rich_status(trailing_metadata: Iterable[Any]) -> status_pb2.Status | None:
    for key, value in trailing_metadata:
        if key == _DETAILS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                return None  # the plain status still says what happened
    return None


def _error_details(code: grpc.StatusCode, status: status_pb2.Status) -> ErrorDetails:
    reason, metadata = "", dict[str, str]()
    violations: tuple[FieldViolation, ...] = ()
    retry_delay_s: float | None = None
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    for detail in status.details:
        if detail.Unpack(info):
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(bad_request):
            violations = tuple(
                FieldViolation(violation.field, violation.description)
                for violation in bad_request.field_violations
            )
        elif detail.Unpack(retry):
            retry_delay_s = retry.retry_delay.ToTimedelta().total_seconds()
    return ErrorDetails(code.name, reason, violations, retry_delay_s, metadata)


def _message(message: str, violations: tuple[FieldViolation, ...], most: int = 3) -> str:
    """The fields at fault with their rules, or the gateway's sentence if there are none."""
    if not violations:
        return message
    named = [f"{violation.field}: {violation.description}" for violation in violations[:most]]
    if len(violations) > most:
        named.append(f"and {len(violations) - most} more")
    return "; ".join(named)


def _error_of_grpc_itself(
    code: grpc.StatusCode, text: str, *, address: str, timeout_s: float
) -> HeedError:
    """For a status without details: the gateway did not write it."""
    details = ErrorDetails(code.name)
    if code is grpc.StatusCode.UNAVAILABLE:
        return UnreachableError(_unreachable(text, address), details)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return timed_out(address, timeout_s)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in text:
        return InvalidRequestError(
            f"the message is larger than the receiver takes ({_short(text)}); "
            f"send fewer or shorter texts in a call",
            details,
        )
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return GatewayFaultError(
            f"what answers at {address} is not a Heed gateway, or an older one ({_short(text)})",
            details,
        )
    message = f"the gateway at {address} answered {code.name}: {_short(text)}"
    return _CLASSES.get(code, GatewayFaultError)(message, details)


def _unreachable(text: str, address: str) -> str:
    for sign, explanation in _SIGNS_OF_TLS.items():
        if sign in text and "failed to connect" in text:
            return f"no secure connection to {address}: {explanation} ({_short(text)})"
    return (
        f"no Heed gateway answers at {address} ({_short(text)}). Start one with "
        f"`heed serve --models-dir models`, or give the address of one that runs."
    )


def _short(text: str, longest: int = 200) -> str:
    text = " ".join(text.split()) or "no reason given"
    return text if len(text) <= longest else text[: longest - 1] + "…"
