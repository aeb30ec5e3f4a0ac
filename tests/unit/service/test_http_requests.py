from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from starlette.requests import Request

from service.errors import (
    InvalidRequestError,
    RequestTooLargeError,
    SlowRequestError,
    WrongContentTypeError,
)
from service.http import requests
from service.http.requests import body_of, deadline_of

JSON = {"content-type": "application/json; charset=utf-8"}


def request_of(
    chunks: Sequence[bytes], headers: dict[str, str] = JSON, *, then: str = "end"
) -> Request:
    """A request whose body comes in chunks, and that ends, stalls or disconnects after them."""
    last = {"end": b"", "stall": None, "disconnect": None}[then]
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks
    ]
    if last is not None:
        messages.append({"type": "http.request", "body": last, "more_body": False})
    if then == "disconnect":
        messages.append({"type": "http.disconnect"})

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop(0)

    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": pairs}, receive)


async def test_a_body_is_put_together() -> None:
    assert await body_of(request_of([b"ab", b"cd"]), 4) == b"abcd"


async def test_a_body_that_grows_too_large_is_refused() -> None:
    with pytest.raises(RequestTooLargeError, match="at most 3 bytes"):
        await body_of(request_of([b"ab", b"cd"]), 3)


async def test_a_body_that_says_it_is_too_large_is_not_even_read() -> None:
    request = request_of([], {**JSON, "content-length": "4"}, then="stall")
    with pytest.raises(RequestTooLargeError):
        await body_of(request, 3)


async def test_a_body_that_does_not_come_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(requests, "BODY_TIMEOUT_S", 0.02)
    with pytest.raises(SlowRequestError):
        await body_of(request_of([b"ab"], then="stall"), 100)


async def test_a_caller_that_leaves_cancels_the_call() -> None:
    with pytest.raises(asyncio.CancelledError):
        await body_of(request_of([b"ab"], then="disconnect"), 100)


@pytest.mark.parametrize(
    "headers",
    [{}, {"content-type": "text/plain"}, {**JSON, "content-encoding": "gzip"}],
)
async def test_only_plain_json_is_read(headers: dict[str, str]) -> None:
    with pytest.raises(WrongContentTypeError):
        await body_of(request_of([b"{}"], headers), 100)


@pytest.mark.parametrize(
    ("header", "value", "seconds"),
    [
        ("x-request-timeout", "2", 1.95),
        ("x-request-timeout", "0.1", 0.09),
        ("grpc-timeout", "2000m", 1.95),
        ("grpc-timeout", "1M", 59.95),
        ("grpc-timeout", "99999999H", 86_399.95),
    ],
)
async def test_a_deadline_leaves_time_for_the_answer_to_arrive(
    header: str, value: str, seconds: float
) -> None:
    now = asyncio.get_running_loop().time()
    deadline = deadline_of({header: value})
    assert deadline is not None
    assert deadline - now == pytest.approx(seconds, abs=0.01)


async def test_without_a_header_there_is_no_deadline() -> None:
    assert deadline_of({}) is None


@pytest.mark.parametrize("value", ["", "-1", "1e3", "nan", "inf", "0", "0.0", "1.", "١"])
async def test_what_is_no_time_is_refused(value: str) -> None:
    with pytest.raises(InvalidRequestError, match="x-request-timeout"):
        deadline_of({"x-request-timeout": value})
