"""Bulk work over one stream after another."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

import grpc

from heed.client.bulk import BulkSettings, BulkWork, Pause, Recovery, is_passing
from heed.client.errors import GatewayFaultError, HeedError
from heed.client.many_messages import outcome_of, text_request, without_config
from heed.client.results import GenerateResult
from heed.client.status import heed_error, timed_out
from heed.v1 import inference_pb2

_LONGEST_FAREWELL_S: Final = 2.0

EARLY_END: Final = "the gateway ended the stream before it had answered every text"


@dataclass(frozen=True, slots=True)
class BulkCall:
    """What every stream of some bulk work has in common.

    Attributes:
        method: GenerateMany of a stub.
        config: The first message of every stream.
        address: Where the gateway listens, for errors.
        timeout_s: How long the next answer may take, in seconds.
        settings: How much may be under way.
    """

    method: Callable[[Any], Any]
    config: inference_pb2.GenerateManyRequest
    address: str
    timeout_s: float
    settings: BulkSettings

    def error(self, error: grpc.RpcError) -> HeedError:
        """The error for a stream that failed."""
        return without_config(heed_error(error, address=self.address, timeout_s=self.timeout_s))


class BulkStream(Protocol):
    """One call of GenerateMany."""

    def send(self, index: int, text: str) -> None:
        """Sends a text as soon as the gateway reads it."""

    def close(self) -> None:
        """Ends the call, whatever is under way."""


Stream = TypeVar("Stream", bound=BulkStream)


class BulkState(Generic[Stream]):
    """Where the work stands. It waits for nothing, so that both clients share it.

    Args:
        call: What every stream has in common.
        open_stream: Begins a stream.
    """

    def __init__(self, call: BulkCall, open_stream: Callable[[BulkCall], Stream]) -> None:
        self._call = call
        self._open_stream = open_stream
        self._work = BulkWork(call.settings)
        self._recovery = Recovery(call.timeout_s)
        self._stream: Stream | None = None

    @property
    def stream(self) -> Stream:
        """The stream of this moment; begun if there is none."""
        if self._stream is None:
            self._stream = self._open_stream(self._call)
        return self._stream

    def add(self, text: str | Pause) -> None:
        """Sends a text, if it is one and can be sent."""
        if isinstance(text, Pause):
            return
        index = self._work.add(text)
        if index is not None:
            self.stream.send(index, text)

    def ready(self) -> Iterator[GenerateResult]:
        """The answers whose turn it is. Raises the error of a text when it is its turn."""
        return self._work.ready()

    def must_wait(self, *, until_done: bool) -> bool:
        """Whether an answer has to come before another text is read.

        Args:
            until_done: Whether everything is to be answered first.
        """
        work = self._work
        return not work.is_done and (until_done or work.is_full or work.has_failed)

    def accept(self, message: inference_pb2.GenerateManyResponse) -> None:
        """Takes an answer.

        Raises:
            HeedError: There is none, but there may be one if the text is sent again.
        """
        index = int(message.id)
        text = self._work.text(index)
        if text is None:
            return
        outcome = outcome_of(text, message)
        if isinstance(outcome, HeedError) and is_passing(outcome):
            raise outcome
        self._recovery.answered()
        self._work.settle(index, outcome)

    def pause_after(self, error: HeedError) -> float:
        """Ends a stream that failed; says how long to wait before the next, in seconds.

        Raises:
            HeedError: The error, if another stream does not help.
        """
        pause_s = self._recovery.pause_after(error)
        self.close()
        return pause_s

    def start_again(self) -> None:
        """Sends what has no answer yet over another stream."""
        for index, text in self._work.unanswered:
            self.stream.send(index, text)

    def close(self) -> None:
        """Gives up what is under way."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def answer_in_order(call: BulkCall, texts: Iterable[str | Pause]) -> Iterator[GenerateResult]:
    """The answers, as `Client.generate_many` documents them."""
    state = BulkState(call, _Stream)
    try:
        for text in texts:
            state.add(text)
            yield from _answers(state, until_done=isinstance(text, Pause))
        yield from _answers(state, until_done=True)
    finally:
        state.close()


def _answers(state: BulkState[_Stream], *, until_done: bool) -> Iterator[GenerateResult]:
    """The answers whose turn it is; waits for some if no more texts may be read."""
    yield from state.ready()
    while state.must_wait(until_done=until_done):
        try:
            state.accept(state.stream.receive())
        except HeedError as error:
            time.sleep(state.pause_after(error))
            state.start_again()
        yield from state.ready()


class _Stream:
    """One call of GenerateMany. A thread reads the answers, so that waiting for one can end."""

    def __init__(self, call: BulkCall) -> None:
        self._call = call
        self._to_send: queue.SimpleQueue[inference_pb2.GenerateManyRequest | None]
        self._to_send = queue.SimpleQueue()
        self._to_send.put(call.config)
        self._received: queue.SimpleQueue[inference_pb2.GenerateManyResponse | HeedError]
        self._received = queue.SimpleQueue()
        self._rpc = call.method(iter(self._to_send.get, None))
        self._reader = threading.Thread(target=self._read, name="answers of bulk work", daemon=True)
        self._reader.start()

    def send(self, index: int, text: str) -> None:
        """Sends a text as soon as the gateway reads it."""
        self._to_send.put(text_request(index, text))

    def receive(self) -> inference_pb2.GenerateManyResponse:
        """The next answer.

        Raises:
            HeedError: The stream broke, or none came in time.
        """
        try:
            received = self._received.get(timeout=self._call.timeout_s)
        except queue.Empty as error:
            raise timed_out(self._call.address, self._call.timeout_s) from error
        if isinstance(received, HeedError):
            raise received
        return received

    def close(self) -> None:
        """Ends the call, whatever is under way.

        gRPC's call takes a lock when it is thrown away. Left to the end of the process, that lock
        may belong to a thread that is no more, and the process would wait for it for ever.
        """
        self._rpc.cancel()
        self._to_send.put(None)
        self._reader.join(timeout=_LONGEST_FAREWELL_S)
        del self._rpc

    def _read(self) -> None:
        try:
            for message in self._rpc:
                self._received.put(message)
        except grpc.RpcError as error:
            self._received.put(self._call.error(error))
        else:
            self._received.put(GatewayFaultError(EARLY_END))
