"""Every way in which the gateway can fail, without a word about gRPC.

    ServiceError
    ├── InvalidRequestError            the caller must change the request
    ├── UnreadableRequestError         its bytes are not even looked at
    │   ├── RequestTooLargeError
    │   ├── WrongContentTypeError
    │   └── SlowRequestError
    ├── UnauthenticatedError           the caller must say who it is
    │   ├── MissingApiKeyError
    │   ├── InvalidApiKeyError
    │   └── ExpiredApiKeyError
    ├── PermissionDeniedError          the caller may not do this
    │   └── ModelNotPermittedError
    ├── NotFoundError
    │   ├── UnknownModelError
    │   ├── UnknownVersionError
    │   └── UnknownLabelError
    ├── OverloadedError                waiting helps
    │   ├── QueueFullError
    │   ├── DeadlineOutOfReachError
    │   ├── RateLimitedError
    │   ├── TooManyCallsError
    │   └── ModelServerBusyError
    ├── DeadlinePassedError
    ├── UnavailableError               trying again helps
    │   ├── ModelServerUnreachableError
    │   ├── ModelNotReadyError
    │   ├── VersionGoneError
    │   └── DrainingError
    ├── ModelContractError             the model does not do what its contract says
    │   ├── ModelAnswerError
    │   └── ModelRejectedInputError
    └── InternalError
        └── ModelServerFailureError

`reason` and `metadata` travel to callers; the message does too, except for `InternalError`, whose
message is for the log alone. None of them ever holds a caller's text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

MAX_VIOLATIONS: Final = 10
"""A call that breaks rules in more places gets the first ones; the rest is not looked at."""


class Stage(StrEnum):
    """Where a call was when it failed."""

    QUEUE = "queue"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One thing that is wrong with a request.

    Attributes:
        field: The field's path, for example "texts[3]" or "options.max_length".
        description: What was expected, the limit included, and what came.
    """

    field: str
    description: str


class ServiceError(Exception):
    """A failure of the gateway.

    Attributes:
        reason: The kind of failure for programs, in capitals with underscores.
        metadata: Facts about this failure for programs.

    Args:
        message: What happened, what was expected, what to do.
        metadata: See the attribute.
    """

    reason: ClassVar[str] = "UNKNOWN"

    def __init__(self, message: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.metadata: Mapping[str, str] = dict(metadata or {})


class InvalidRequestError(ServiceError):
    """The request breaks a rule; the same request will never be answered.

    Args:
        violations: What is wrong, at least one entry.
    """

    reason = "INVALID_REQUEST"

    def __init__(self, violations: Sequence[FieldViolation]) -> None:
        first = violations[0]
        more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        super().__init__(f"{first.field}: {first.description}{more}", {"field": first.field})
        self.violations = tuple(violations)

    @classmethod
    def of(cls, field: str, description: str) -> InvalidRequestError:
        """The error for a single field."""
        return cls([FieldViolation(field, description)])


class UnreadableRequestError(ServiceError):
    """The request cannot be read, whatever it says."""

    reason = "UNREADABLE_REQUEST"


class RequestTooLargeError(UnreadableRequestError):
    """The request has more bytes than the gateway takes."""

    reason = "REQUEST_TOO_LARGE"

    def __init__(self, max_bytes: int) -> None:
        super().__init__(
            f"the request must have at most {max_bytes} bytes", {"max_bytes": str(max_bytes)}
        )


class WrongContentTypeError(UnreadableRequestError):
    """The request came over HTTP and is not said to be JSON."""

    reason = "WRONG_CONTENT_TYPE"

    def __init__(self) -> None:
        super().__init__(
            "the body must be sent with `content-type: application/json`, and not compressed"
        )


class SlowRequestError(UnreadableRequestError):
    """The request came over HTTP, and its body did not arrive in time."""

    reason = "REQUEST_TOO_SLOW"

    def __init__(self, timeout_s: float) -> None:
        super().__init__(f"the body did not arrive within {timeout_s:.0f} s")


class UnauthenticatedError(ServiceError):
    """The caller did not prove who it is."""

    reason = "UNAUTHENTICATED"


class MissingApiKeyError(UnauthenticatedError):
    """The gateway asks for an API key, and the call carries none."""

    reason = "API_KEY_MISSING"

    def __init__(self) -> None:
        super().__init__(
            "an API key is needed: send `authorization: Bearer KEY`, or `x-api-key: KEY`"
        )


class InvalidApiKeyError(UnauthenticatedError):
    """The call's API key is not, or no longer, one of the gateway's."""

    reason = "API_KEY_INVALID"

    def __init__(self) -> None:
        super().__init__("the API key is not known here")


class ExpiredApiKeyError(UnauthenticatedError):
    """The call's API key was good once."""

    reason = "API_KEY_EXPIRED"

    def __init__(self, expired: str) -> None:
        super().__init__(f"the API key expired at {expired}; ask for a new one")


class PermissionDeniedError(ServiceError):
    """The caller is known, but may not do this."""

    reason = "PERMISSION_DENIED"


class ModelNotPermittedError(PermissionDeniedError):
    """The caller's API key does not permit this model, whether it exists or not."""

    reason = "MODEL_NOT_PERMITTED"

    def __init__(self, model: str) -> None:
        super().__init__(f"this API key does not permit model {model!r}", {"model": model})


class NotFoundError(ServiceError):
    """What the request names does not exist here."""

    reason = "NOT_FOUND"


class UnknownModelError(NotFoundError):
    """The gateway does not serve this model."""

    reason = "UNKNOWN_MODEL"

    def __init__(self, model: str, known: Sequence[str]) -> None:
        names = ", ".join(known)
        super().__init__(
            f"model {model!r} is not served here; the models are: {names}",
            {"model": model, "models": names},
        )


class UnknownVersionError(NotFoundError):
    """The model has no such version, or no longer."""

    reason = "UNKNOWN_VERSION"

    def __init__(self, model: str, version: int, ready: Sequence[int]) -> None:
        versions = ", ".join(map(str, ready))
        super().__init__(
            f"version {version} of model {model!r} is not ready; "
            f"the versions that are: {versions or 'none'}",
            {"model": model, "version": str(version), "ready_versions": versions},
        )


class UnknownLabelError(NotFoundError):
    """The model has no version with this label."""

    reason = "UNKNOWN_LABEL"

    def __init__(self, model: str, label: str, known: Sequence[str]) -> None:
        labels = ", ".join(known)
        super().__init__(
            f"model {model!r} has no label {label!r}; its labels are: {labels or 'none'}",
            {"model": model, "label": label, "labels": labels},
        )


class OverloadedError(ServiceError):
    """There is more work than can be done now.

    Attributes:
        retry_after_s: When trying again makes sense, in seconds.
    """

    reason = "OVERLOADED"

    def __init__(
        self, message: str, retry_after_s: float, metadata: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, metadata)
        self.retry_after_s = retry_after_s


class QueueFullError(OverloadedError):
    """The gateway's queue has no room for the call; nothing of it was done."""

    reason = "QUEUE_FULL"

    def __init__(self, *, waiting_tokens: int, max_queue_tokens: int, retry_after_s: float) -> None:
        super().__init__(
            f"the queue is full: {waiting_tokens} tokens wait, {max_queue_tokens} are allowed; "
            f"try again in {retry_after_s:.2f} s",
            retry_after_s,
            {"waiting_tokens": str(waiting_tokens), "max_queue_tokens": str(max_queue_tokens)},
        )


class DeadlineOutOfReachError(OverloadedError):
    """So much waits that the answer would come after the deadline; nothing of it was done."""

    reason = "DEADLINE_OUT_OF_REACH"

    def __init__(self, *, needed_s: float, time_left_s: float, retry_after_s: float) -> None:
        time_left_s = max(0.0, time_left_s)
        super().__init__(
            f"the answer would take about {needed_s:.2f} s and the deadline leaves "
            f"{time_left_s:.2f} s; allow more time, or try again in {retry_after_s:.2f} s",
            retry_after_s,
            {"needed_s": f"{needed_s:.3f}", "time_left_s": f"{time_left_s:.3f}"},
        )


class RateLimitedError(OverloadedError):
    """The caller's API key allows no more requests or tokens now; nothing was done."""

    reason = "RATE_LIMITED"

    def __init__(self, unit: str, *, limit_per_s: float, retry_after_s: float) -> None:
        super().__init__(
            f"this API key allows {limit_per_s:g} {unit} a second; "
            f"try again in {retry_after_s:.2f} s",
            retry_after_s,
            {"unit": unit, "limit_per_s": f"{limit_per_s:g}"},
        )


class TooManyCallsError(OverloadedError):
    """The caller has as many calls under way as one caller may have; nothing was done."""

    reason = "TOO_MANY_CALLS"

    def __init__(self, max_calls: int, retry_after_s: float = 1.0) -> None:
        super().__init__(
            f"one caller may have {max_calls} calls under way at once; wait until one has ended",
            retry_after_s,
            {"max_calls": str(max_calls)},
        )


class ModelServerBusyError(OverloadedError):
    """The model server refused the work because it has too much of it."""

    reason = "MODEL_SERVER_BUSY"

    def __init__(self, retry_after_s: float = 1.0) -> None:
        super().__init__("the model server has no room for the call; try again", retry_after_s)


class DeadlinePassedError(ServiceError):
    """The caller's deadline came before the answer."""

    reason = "DEADLINE_PASSED"

    def __init__(self, stage: Stage, metadata: Mapping[str, str] | None = None) -> None:
        place = "waiting in the queue" if stage is Stage.QUEUE else "in the model server"
        super().__init__(
            f"the deadline passed while the call was {place}; allow more time or send fewer texts",
            {"stage": stage, **(metadata or {})},
        )


class UnavailableError(ServiceError):
    """The call cannot be answered now; the same call may be answered later."""

    reason = "UNAVAILABLE"


class ModelServerUnreachableError(UnavailableError):
    """The model server does not answer, or the connection broke."""

    reason = "MODEL_SERVER_UNREACHABLE"

    def __init__(self, model: str = "") -> None:
        super().__init__("the model server cannot be reached; try again", {"model": model})


class ModelNotReadyError(UnavailableError):
    """No version of the model is ready yet, or none any more."""

    reason = "MODEL_NOT_READY"

    def __init__(self, model: str, status_message: str) -> None:
        super().__init__(
            f"model {model!r} is not ready: {status_message or 'no version is loaded'}",
            {"model": model},
        )


class VersionGoneError(UnavailableError):
    """The version was unloaded between the choice of it and the call to it."""

    reason = "VERSION_GONE"

    def __init__(self, model: str, version: int) -> None:
        super().__init__(
            f"version {version} of model {model!r} was unloaded during the call; try again",
            {"model": model, "version": str(version)},
        )
        self.model = model
        self.version = version


class DrainingError(UnavailableError):
    """The gateway is ending and takes no new calls."""

    reason = "DRAINING"

    def __init__(self) -> None:
        super().__init__("the gateway is ending; try another one, or try again later")


class ModelContractError(ServiceError):
    """The model does not do what its contract says; export it again."""

    reason = "MODEL_BREAKS_CONTRACT"


class ModelAnswerError(ModelContractError):
    """The model answered, but not as its contract says: wrong shapes, rows or numbers."""

    reason = "MODEL_ANSWER_INVALID"


class ModelRejectedInputError(ModelContractError):
    """The model refused an input that its contract allows."""

    reason = "MODEL_REJECTED_INPUT"


class InternalError(ServiceError):
    """A fault of the gateway or of what stands behind it. The message is for the log alone."""

    reason = "INTERNAL"


class ModelServerFailureError(InternalError):
    """The model server failed in a way that no other class describes."""

    reason = "MODEL_SERVER_FAILED"


def leaf_errors(error: type[ServiceError] = ServiceError) -> Iterator[type[ServiceError]]:
    """The classes that have none below themselves: what is really raised."""
    children = error.__subclasses__()
    if not children:
        yield error
    for child in children:
        yield from leaf_errors(child)
