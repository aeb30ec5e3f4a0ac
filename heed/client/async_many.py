"""Bulk work over one stream after another, for asyncio; the same as `heed.client.many`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import Any, Final

import grpc.aio

from heed.client.bulk import Pause, each_of
from heed.client.errors import GatewayFaultError, HeedError, UnavailableError
from heed.client.many import EARLY_END, BulkCall, BulkState
from heed.client.many_messages import text_request
from heed.client.results import GenerateResult
from heed.client.status import timed_out
from heed.v1 import inference_pb2

_LOST_STATUS: Final = "Internal error from Core"
"""What stands where the status of a call is lost."""


async def answer_in_order(
    call: BulkCall, texts: Iterable[str | Pause] | AsyncIterable[str | Pause]
) -> AsyncIterator[GenerateResult]:
    """The answers, as `Client.generate_many` documents them."""
    state = BulkState(call, _Stream)
    try:
        async for text in each_of(texts):
            state.add(text)
            async for answer in _answers(state, until_done=isinstance(text, Pause)):
                yield answer
        async for answer in _answers(state, until_done=True):
            yield answer
    finally:
        state.close()


async def _answers(state: BulkState[_Stream], *, until_done: bool) -> AsyncIterator[GenerateResult]:
    """The answers whose turn it is; waits for some if no more texts may be read."""
    for answer in state.ready():
        yield answer
    while state.must_wait(until_done=until_done):
        try:
            state.accept(await state.stream.receive())
        except HeedError as error:
            await asyncio.sleep(state.pause_after(error))
            state.start_again()
        for answer in state.ready():
            yield answer


class _Stream:
    """One call of GenerateMany. A task of gRPC sends, so that sending never keeps from reading."""

    def __init__(self, call: BulkCall) -> None:
        self._call = call
        self._to_send: asyncio.Queue[inference_pb2.GenerateManyRequest] = asyncio.Queue()
        self._rpc = call.method(self._requests())

    def send(self, index: int, text: str) -> None:
        """Sends a text as soon as the gateway reads it."""
        self._to_send.put_nowait(text_request(index, text))

    async def receive(self) -> inference_pb2.GenerateManyResponse:
        """The next answer.

        Raises:
            HeedError: The stream broke, or none came in time.
        """
        try:
            async with asyncio.timeout(self._call.timeout_s):
                message: Any = await self._rpc.read()
        except TimeoutError as error:
            raise timed_out(self._call.address, self._call.timeout_s) from error
        except grpc.aio.AioRpcError as error:
            if error.details() == _LOST_STATUS:
                raise UnavailableError(EARLY_END) from error
            raise self._call.error(error) from error
        if message is grpc.aio.EOF:
            raise GatewayFaultError(EARLY_END)
        answer: inference_pb2.GenerateManyResponse = message
        return answer

    def close(self) -> None:
        """Ends the call, whatever is under way."""
        self._rpc.cancel()

    async def _requests(self) -> AsyncIterator[inference_pb2.GenerateManyRequest]:
        yield self._call.config
        # gRPC for asyncio loses the status of a call that ends while a message is being sent. So a
        # refusal of the configuration is waited for.
        await self._rpc.initial_metadata()
        while True:
            yield await self._to_send.get()
