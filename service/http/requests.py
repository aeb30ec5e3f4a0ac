"""What an HTTP request brings: its body, its time, its headers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final

from starlette.requests import ClientDisconnect, Request

from service.api.deadlines import deadline_after
from service.api.entrance import Arrival, Protocol, request_id_of
from service.errors import (
    InvalidRequestError,
    RequestTooLargeError,
    SlowRequestError,
    WrongContentTypeError,
)

TIMEOUT_HEADER: Final = "x-request-timeout"
GRPC_TIMEOUT_HEADER: Final = "grpc-timeout"
BODY_TIMEOUT_S: Final = 30.0
"""How long a body may take to arrive, in seconds."""
LONGEST_TIMEOUT_S: Final = 86_400.0

_GRPC_UNITS_S: Final[Mapping[str, float]] = {
    "H": 3600.0,
    "M": 60.0,
    "S": 1.0,
    "m": 1e-3,
    "u": 1e-6,
    "n": 1e-9,
}


def arrival_of(request: Request, method: str, *, is_stream: bool = False) -> Arrival:
    """The call that a request is."""
    metadata = dict(request.headers.items())
    return Arrival(
        protocol=Protocol.HTTP,
        method=method,
        request_id=request_id_of(metadata),
        metadata=metadata,
        is_stream=is_stream,
        peer=request.client.host if request.client is not None else "",
    )


def deadline_of(headers: Mapping[str, str]) -> float | None:
    """When the answer is of no use any more, on the loop's clock; None if nothing was said.

    Raises:
        InvalidRequestError: A header that sets it cannot be read.
    """
    return deadline_after(_timeout_s(headers))


def _timeout_s(headers: Mapping[str, str]) -> float | None:
    given = headers.get(TIMEOUT_HEADER)
    if given is not None:
        if not re.fullmatch(r"\d{1,6}(\.\d{1,9})?", given, re.ASCII):
            raise InvalidRequestError.of(
                TIMEOUT_HEADER, "must be a number of seconds, for example 2.5"
            )
        return _checked(TIMEOUT_HEADER, float(given))
    given = headers.get(GRPC_TIMEOUT_HEADER)
    if given is None:
        return None
    if not re.fullmatch(r"\d{1,8}[HMSmun]", given, re.ASCII):
        raise InvalidRequestError.of(
            GRPC_TIMEOUT_HEADER, "must be digits and one of H, M, S, m, u, n, for example 2500m"
        )
    return _checked(GRPC_TIMEOUT_HEADER, int(given[:-1]) * _GRPC_UNITS_S[given[-1]])


def _checked(header: str, timeout_s: float) -> float:
    if timeout_s <= 0:
        raise InvalidRequestError.of(header, "must be more than 0")
    return min(timeout_s, LONGEST_TIMEOUT_S)


async def body_of(request: Request, max_bytes: int) -> bytes:
    """The body of a request.

    Raises:
        UnreadableRequestError: It is no JSON, too large, or takes too long.
        CancelledError: The caller left.
    """
    _check_type(request.headers)
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise RequestTooLargeError(max_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > max_bytes:
                    raise RequestTooLargeError(max_bytes)
    except ClientDisconnect as error:
        raise asyncio.CancelledError from error
    except TimeoutError as error:
        raise SlowRequestError(BODY_TIMEOUT_S) from error
    return bytes(body)


def check_query(request: Request) -> None:
    """Checks that nothing was asked in a way that would be ignored.

    Raises:
        InvalidRequestError: There are parameters behind the path.
    """
    if request.url.query:
        raise InvalidRequestError.of("(query)", "must be empty: requests stand in the body")


def _check_type(headers: Mapping[str, str]) -> None:
    """A page of another web site can send other types without asking, but not this one."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" or headers.get("content-encoding", "identity") != "identity":
        raise WrongContentTypeError
