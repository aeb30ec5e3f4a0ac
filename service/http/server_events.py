"""Messages one after the other in one answer: server-sent events, as the WHATWG describes them.

Each message is an event without a name, its data the message as JSON. A failure after the first
message is an event named "error", its data google.rpc.Status. Then the answer ends.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from google.protobuf.message import Message
from starlette.types import Send

from service.api.entrance import REQUEST_ID_KEY
from service.call_record import note_chunk
from service.http.json_writer import write_json


class ServerEvents:
    """Sends events. Nothing is sent before the first, so that a failure can still have a status.

    Args:
        send: Sends to the caller; waits while the caller does not read.
        request_id: The request's id.

    Attributes:
        have_begun: Whether the status and headers are sent.
    """

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.have_begun = False

    async def send_all(self, messages: AsyncGenerator[Message]) -> None:
        """Sends every message as it comes, and ends the answer; closes them whatever happens."""
        async with aclosing(messages):
            async for message in messages:
                await self._begin()
                await self._send_body(f"data: {write_json(message)}\n\n".encode())
                note_chunk()
        await self._begin()
        await self._send_body(b"", is_last=True)

    async def fail(self, status: bytes) -> None:
        """Ends the answer with an error.

        Args:
            status: google.rpc.Status as JSON, in one line.
        """
        await self._send_body(b"event: error\ndata: " + status + b"\n\n", is_last=True)

    async def _begin(self) -> None:
        if self.have_begun:
            return
        self.have_begun = True
        headers = {
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-store",
            "x-accel-buffering": "no",  # proxies are to pass every event on at once
            REQUEST_ID_KEY: self._request_id,
        }
        pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": pairs})

    async def _send_body(self, body: bytes, *, is_last: bool = False) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": not is_last})
