"""What can go wrong for a caller of the gateway.

HeedError
├── InvalidRequestError     the request breaks a rule; `field_violations` say which field
├── NotFoundError           no such model or version
├── OverloadedError         the gateway's queue is full; `retry_delay_s` says when to ask again
├── TimedOutError           no answer within the time allowed
├── UnavailableError        the gateway is up, the model is not (or the gateway is stopping)
│   └── UnreachableError    nothing answers at the gateway's address
├── ModelFaultError         the model does not keep its contract
├── AccessError             not authenticated, or not allowed
└── GatewayFaultError       the gateway failed; its log knows why
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of the request that breaks a rule.

    Attributes:
        field: The field's path, for example "texts[3]" or "options.max_length".
        description: What is wrong, and the limit.
    """

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class ErrorDetails:
    """What the gateway said about a failure, for programs.

    Attributes:
        code: The gRPC status, for example "INVALID_ARGUMENT".
        reason: The failure's fixed name, for example "QUEUE_FULL"; empty if it was not sent.
        field_violations: The fields that break a rule.
        retry_delay_s: How long to wait before asking again, in seconds. None: not said.
        metadata: More about the failure, by name.
    """

    code: str = "UNKNOWN"
    reason: str = ""
    field_violations: tuple[FieldViolation, ...] = ()
    retry_delay_s: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


class HeedError(Exception):
    """A call failed. `str(error)` is written for people; the attributes are for programs.

    Args:
        message: What happened, what was expected, what to do.
        details: The same for programs.
        text_index: In bulk work, which text is at fault, counted from 0. None: not one text.
    """

    def __init__(
        self,
        message: str,
        details: ErrorDetails | None = None,
        *,
        text_index: int | None = None,
    ) -> None:
        super().__init__(message)
        self.details = details or ErrorDetails()
        self.text_index = text_index

    @property
    def code(self) -> str:
        """The gRPC status, for example "INVALID_ARGUMENT"."""
        return self.details.code

    @property
    def reason(self) -> str:
        """The failure's fixed name, for example "QUEUE_FULL"; empty if it was not sent."""
        return self.details.reason

    @property
    def field_violations(self) -> tuple[FieldViolation, ...]:
        """The fields that break a rule."""
        return self.details.field_violations

    @property
    def retry_delay_s(self) -> float | None:
        """How long to wait before asking again, in seconds. None: not said."""
        return self.details.retry_delay_s


class InvalidRequestError(HeedError):
    """The request breaks a rule; asking again will not help."""


class NotFoundError(HeedError):
    """The gateway serves no such model or version."""


class OverloadedError(HeedError):
    """The gateway has too much to do; ask again after `retry_delay_s`."""


class TimedOutError(HeedError):
    """No answer came within the time allowed."""


class UnavailableError(HeedError):
    """The gateway answers, but cannot serve now: no model is ready, or it is stopping."""


class UnreachableError(UnavailableError):
    """Nothing answers at the gateway's address."""


class ModelFaultError(HeedError):
    """The model does not keep its contract."""


class AccessError(HeedError):
    """The caller is not known, or not allowed."""


class GatewayFaultError(HeedError):
    """The gateway failed; its log says why."""
