"""Status codes and the one exception that carries them to the client."""

from __future__ import annotations

from enum import IntEnum

MAX_MESSAGE_BYTES = 1024
_TRUNCATION_MARK = "...TRUNCATED"


class Code(IntEnum):
    """The canonical codes; TensorFlow, gRPC and TensorFlow Serving number them alike."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class StatusError(Exception):
    """A failure with the code and the message that a client of TensorFlow Serving would see.

    Attributes:
        code: The canonical code, never OK.
        message: The whole message; `truncated` cuts it for the wire.
    """

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


def truncated(message: str) -> str:
    """The message as it goes on the wire: at most 1024 bytes, then a mark that says it was cut."""
    encoded = message.encode()
    if len(encoded) <= MAX_MESSAGE_BYTES:
        return message
    return encoded[:MAX_MESSAGE_BYTES].decode(errors="ignore") + _TRUNCATION_MARK
