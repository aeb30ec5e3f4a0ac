"""Every error class and every status code of the model server has its place in a table."""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from service import errors
from service.api.error_table import INTERNAL_MESSAGE, STATUS_CODES, to_wire
from service.backends.status_table import STATUS_TABLE, error_for_status
from service.domain.models import VersionKey

KEY = VersionKey("g2p", 3)


def subclasses(kind: type[errors.ServiceError]) -> Iterator[type[errors.ServiceError]]:
    for child in kind.__subclasses__():
        yield child
        yield from subclasses(child)


ALL_ERRORS = list(subclasses(errors.ServiceError))
EXAMPLES: list[errors.ServiceError] = [
    errors.InvalidRequestError.of("texts[0]", "is wrong"),
    errors.UnreadableRequestError("m"),
    errors.RequestTooLargeError(1000),
    errors.WrongContentTypeError(),
    errors.SlowRequestError(30),
    errors.UnauthenticatedError("m"),
    errors.MissingApiKeyError(),
    errors.InvalidApiKeyError(),
    errors.ExpiredApiKeyError("2026-01-01T00:00:00+00:00"),
    errors.PermissionDeniedError("m"),
    errors.ModelNotPermittedError("a"),
    errors.NotFoundError("m"),
    errors.UnknownModelError("a", ["b", "c"]),
    errors.UnknownVersionError("a", 3, [1, 2]),
    errors.UnknownLabelError("a", "stable", ["canary"]),
    errors.OverloadedError("m", 1.5),
    errors.QueueFullError(waiting_tokens=5, max_queue_tokens=6, retry_after_s=0.25),
    errors.DeadlineOutOfReachError(needed_s=2.0, time_left_s=0.5, retry_after_s=0.25),
    errors.RateLimitedError("requests", limit_per_s=2, retry_after_s=0.5),
    errors.TooManyCallsError(100),
    errors.ModelServerBusyError(),
    errors.DeadlinePassedError(errors.Stage.QUEUE),
    errors.UnavailableError("m"),
    errors.ModelServerUnreachableError("a"),
    errors.ModelNotReadyError("a", "loading"),
    errors.VersionGoneError("a", 3),
    errors.DrainingError(),
    errors.ModelContractError("m"),
    errors.ModelAnswerError("m"),
    errors.ModelRejectedInputError("m"),
    errors.InternalError("secret"),
    errors.ModelServerFailureError("secret"),
]


def details(error: Exception) -> tuple[grpc.StatusCode, dict[str, Message]]:
    wire = to_wire(error, "request-1")
    status = status_pb2.Status.FromString(wire.details)
    assert status.code == wire.code.value[0]
    assert status.message == wire.message
    found: dict[str, Message] = {}
    for packed in status.details:
        name = packed.TypeName().rpartition(".")[2]
        message = getattr(error_details_pb2, name)()
        assert packed.Unpack(message)
        found[name] = message
    return wire.code, found


def test_every_error_class_has_a_status_code_and_an_example() -> None:
    assert set(ALL_ERRORS) == set(STATUS_CODES)
    assert {type(example) for example in EXAMPLES} == set(ALL_ERRORS)


def test_every_error_class_has_a_reason_of_its_own() -> None:
    reasons = [error.reason for error in ALL_ERRORS]
    assert len(set(reasons)) == len(reasons)
    assert all(reason.isupper() and reason != "UNKNOWN" for reason in reasons)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_every_error_carries_its_details(example: errors.ServiceError) -> None:
    code, found = details(example)
    assert code is STATUS_CODES[type(example)]
    info = found["ErrorInfo"]
    assert isinstance(info, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain) == (example.reason, "heed")
    assert dict(info.metadata) == dict(example.metadata)
    assert found["RequestInfo"].request_id == "request-1"  # type: ignore[attr-defined]
    assert ("BadRequest" in found) == isinstance(example, errors.InvalidRequestError)
    assert ("RetryInfo" in found) == (code is grpc.StatusCode.RESOURCE_EXHAUSTED)


def test_the_pause_is_sent_to_the_millisecond() -> None:
    _, found = details(errors.OverloadedError("m", 1.25))
    retry = found["RetryInfo"]
    assert isinstance(retry, error_details_pb2.RetryInfo)
    assert retry.retry_delay.ToMilliseconds() == 1250


@pytest.mark.parametrize("error", [ValueError("secret"), errors.InternalError("secret")])
def test_what_is_unknown_tells_callers_nothing(error: Exception) -> None:
    wire = to_wire(error, "request-1")
    assert wire.code is grpc.StatusCode.INTERNAL
    assert wire.message == INTERNAL_MESSAGE
    assert b"secret" not in wire.details


@pytest.mark.parametrize(
    "error",
    [
        errors.UnknownModelError("\U0001f600" * 5_000, ["m" * 100] * 100),
        errors.UnknownVersionError("m", 1, range(10_000)),
        errors.ModelNotReadyError("m", "version 7 could not be loaded: " + "x" * 20_000),
        errors.InvalidRequestError(
            [errors.FieldViolation("pairs[10000].source_text", "w" * 200)] * 10
        ),
    ],
    ids=lambda error: type(error).__name__,
)
def test_the_largest_error_fits_into_a_trailer(error: errors.ServiceError) -> None:
    wire = to_wire(error, "r" * 64)
    on_the_wire = len(urllib.parse.quote(wire.message)) + len(base64.b64encode(wire.details))
    assert on_the_wire < 8192 - 500


def test_a_long_message_is_cut_between_characters() -> None:
    message = to_wire(errors.UnavailableError("é" * 1000), "").message
    assert message == "é" * 298 + "…"


def test_every_status_code_of_the_model_server_becomes_an_error() -> None:
    assert set(STATUS_TABLE) == set(grpc.StatusCode) - {grpc.StatusCode.OK}
    for code in STATUS_TABLE:
        error = error_for_status(code, "words of the model server", KEY)
        assert type(error) in STATUS_CODES
        wire = to_wire(error, "request-1")
        assert b"words of the model server" not in wire.details


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE),
        (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNAVAILABLE),
        (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.DEADLINE_EXCEEDED),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.FAILED_PRECONDITION),
        (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.FAILED_PRECONDITION),
        (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INTERNAL),
    ],
)
def test_the_model_servers_codes_arrive_as_the_style_guide_has_them(
    code: grpc.StatusCode, expected: grpc.StatusCode
) -> None:
    assert to_wire(error_for_status(code, "", KEY), "").code is expected


def test_a_full_queue_of_the_model_server_is_told_from_a_model_server_that_is_away() -> None:
    full = (
        "The batch scheduling queue to which this task was submitted is full; "
        "currently 2 batches enqueued and max_enqueued_batches is 2"
    )
    assert isinstance(
        error_for_status(grpc.StatusCode.UNAVAILABLE, full, KEY), errors.ModelServerBusyError
    )
    assert isinstance(
        error_for_status(grpc.StatusCode.UNAVAILABLE, "connection refused", KEY),
        errors.ModelServerUnreachableError,
    )
