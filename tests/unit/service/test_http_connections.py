from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvicorn

from service.http import connections
from service.http.connections import BoundedConnection

BODY = b"x" * 1_000_000
CHUNKS = 60


async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
    """Answers with a small body, or with a large one at /large."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    chunks = CHUNKS if scope["path"] == "/large" else 1
    for _ in range(chunks):
        await send({"type": "http.response.body", "body": BODY, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@pytest.fixture
async def connect(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connect]:
    """Connects to a server whose patience is short."""
    monkeypatch.setattr(connections, "HEAD_TIMEOUT_S", 0.3)
    monkeypatch.setattr(connections, "WRITE_TIMEOUT_S", 0.3)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, http=BoundedConnection, ws="none", lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    port = listener.getsockname()[1]
    writers: list[asyncio.StreamWriter] = []

    async def open_one() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**16)
        writers.append(writer)
        return reader, writer

    yield open_one
    for writer in writers:
        writer.close()
    server.should_exit = True
    await task


async def rest_of(reader: asyncio.StreamReader) -> int:
    """How many bytes still come until the connection ends."""
    count = 0
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(2**20):
            count += len(data)
    return count


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\n"])
async def test_a_head_that_does_not_come_ends_the_connection(connect: Connect, sent: bytes) -> None:
    reader, writer = await connect()
    writer.write(sent)
    async with asyncio.timeout(5):
        assert await rest_of(reader) == 0


async def test_a_second_head_has_its_time_too(connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    answer = await read_answer(reader)
    assert answer.startswith(b"HTTP/1.1 200")
    await asyncio.sleep(0.5)  # longer than a head may take: resting is allowed
    writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    assert (await read_answer(reader)).startswith(b"HTTP/1.1 200")
    writer.write(b"GET / HT")
    async with asyncio.timeout(5):
        assert await rest_of(reader) == 0


async def read_answer(reader: asyncio.StreamReader) -> bytes:
    data = b""
    while not data.endswith(b"0\r\n\r\n"):
        data += await reader.read(2**20)
    return data


async def test_an_answer_that_is_not_read_ends_the_connection(connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
    await asyncio.sleep(1.0)
    assert await rest_of(reader) < CHUNKS * len(BODY) / 2


async def test_an_answer_that_is_read_slowly_arrives_whole(connect: Connect) -> None:
    reader, writer = await connect()
    writer.write(b"GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    for _ in range(5):
        await asyncio.sleep(0.1)
        await reader.readexactly(2**22)
    assert await rest_of(reader) + 5 * 2**22 > CHUNKS * len(BODY)
