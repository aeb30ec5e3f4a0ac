"""Calls over HTTP: read, answered, written; their errors, and callers that leave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, TypeVar

from google.protobuf import message_factory
from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from heed.v1 import inference_pb2
from service.api.entrance import REQUEST_ID_KEY, Arrival, Entrance
from service.call_record import note_request
from service.cancellation import is_cancelling
from service.errors import InternalError
from service.http.errors import JSON, LEFT, error_response
from service.http.json_reader import read_json
from service.http.json_writer import write_json
from service.http.methods import HttpMethod, Path
from service.http.requests import arrival_of, body_of, check_query, deadline_of
from service.http.server_events import ServerEvents
from service.pipeline.inference import InferencePipeline

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")

LARGE_BYTES: Final = 256 * 1024
"""JSON of larger messages takes tens of milliseconds."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Answers the requests to one path of a method: an ASGI application.

    Attributes:
        method: The method.
        path: The path.
        pipeline: Does the work.
        entrance: Lets calls in.
        max_body_bytes: The largest body.
    """

    method: HttpMethod
    path: Path
    pipeline: InferencePipeline
    entrance: Entrance
    max_body_bytes: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, with an error if need be. A caller that left gets nothing."""
        request = Request(scope, receive)
        is_stream = self.method.stream is not None
        arrival = arrival_of(request, self.method.name, is_stream=is_stream)
        events = ServerEvents(send, arrival.request_id)
        try:
            response = await self._answer(request, arrival, events)
        except asyncio.CancelledError:
            if is_cancelling():
                raise
            response = Response(status_code=LEFT)
        except Exception as error:  # noqa: BLE001  (the border: whatever it is becomes a status)
            response = error_response(error, arrival.request_id)
            if events.have_begun:
                await events.fail(bytes(response.body))
        if not events.have_begun:
            await response(scope, receive, send)

    async def _answer(self, request: Request, arrival: Arrival, events: ServerEvents) -> Response:
        """The answer; a stream is sent on the way, and only what stands for it is returned."""
        with self.entrance.admit(arrival):
            message = await self._read(request)
            deadline = deadline_of(request.headers)
            if self.method.stream is not None:
                messages = self.method.stream(self.pipeline, message, deadline)
                await unless_left(events.send_all(messages), request.receive)
                return Response()
            if self.method.answer is None:
                raise InternalError(f"no answer for {self.method.name}")
            work = self.method.answer(self.pipeline, message, deadline)
            answer = await unless_left(work, request.receive)
            text = await _apart(answer.ByteSize(), write_json, answer)
        headers = {REQUEST_ID_KEY: arrival.request_id}
        return Response(text, headers=headers, media_type=JSON)

    async def _read(self, request: Request) -> Message:
        check_query(request)
        message = request_class_of(self.method.name)()
        if self.method.verb == "POST":
            body = await body_of(request, self.max_body_bytes)
            await _apart(len(body), read_json, body, message)
        parameters = request.path_params
        _set_fields(message, {field: parameters[name] for name, field in self.path.fields})
        note_request(message)
        return message


async def _apart(
    size_bytes: int,
    work: Callable[Arguments, Result],
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Result:
    """Does work at once, or beside the event loop if there is so much that others would wait."""
    if size_bytes < LARGE_BYTES:
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)


def request_class_of(method: str) -> type[Message]:
    """The class of a method's requests."""
    service = inference_pb2.DESCRIPTOR.services_by_name["InferenceService"]
    return message_factory.GetMessageClass(service.methods_by_name[method].input_type)


def _set_fields(message: Message, values: dict[str, str]) -> None:
    """Sets fields by their paths, as if they stood in a body."""
    for path, value in values.items():
        tree: object = value
        for name in reversed(path.split(".")):
            tree = {name: tree}
        part = type(message)()
        read_json(json.dumps(tree).encode(), part)
        message.MergeFrom(part)


async def unless_left(work: Coroutine[Any, Any, Result], receive: Receive) -> Result:
    """What the work gives, unless the caller leaves first: then the work is cancelled.

    Args:
        work: The work.
        receive: Tells of the caller, whose body was read.

    Raises:
        CancelledError: The caller left, or whoever waits here was cancelled.
    """
    loop = asyncio.get_running_loop()
    worker = loop.create_task(work, name="call over HTTP")
    watcher = loop.create_task(_until_left(receive), name="watch caller")
    try:
        await asyncio.wait((worker, watcher), return_when=asyncio.FIRST_COMPLETED)
        if not worker.done():
            raise asyncio.CancelledError
        return worker.result()
    finally:
        watcher.cancel()
        worker.cancel()
        await asyncio.gather(worker, watcher, return_exceptions=True)


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
