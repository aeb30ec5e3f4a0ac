"""What the gateway's parts know of traces: nothing of how they are made or where they go."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final, Protocol

Value = str | int | float | bool
Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended.

    Attributes:
        reason: The reason of its failure; empty if it was answered.
        is_fault: Whether the gateway, or what stands behind it, is to blame.
        facts: What else is known of it.
    """

    reason: str = ""
    is_fault: bool = False
    facts: Mapping[str, Value] = field(default_factory=dict)


class CallTrace(Protocol):
    """The trace of one call."""

    @property
    def trace_id(self) -> str:
        """Its id, in hexadecimal."""

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Spans the time inside."""

    def batch(
        self, rows: Iterable[WaitingRow], facts: Mapping[str, Value]
    ) -> AbstractContextManager[None]:
        """Spans the time that a batch is in the model server; see `batch`."""

    def end(self, ending: Ending) -> None:
        """The call is over."""


class BatchTrace(Protocol):
    """The trace of one batch."""

    def outgoing(self, name: str, facts: Mapping[str, Value]) -> AbstractContextManager[Metadata]:
        """Spans a call to a model server; see `outgoing`."""


class Tracing(Protocol):
    """Makes traces."""

    def begin(
        self, name: str, metadata: Mapping[str, str], facts: Mapping[str, Value]
    ) -> CallTrace | None:
        """A call came; None if it is not traced.

        Args:
            name: The method's name.
            metadata: Its metadata or headers, keys in lower case: may name the caller's own span.
            facts: What is known of it.
        """

    async def close(self) -> None:
        """Sends what was not sent yet, for a moment at most."""


class _NoTracing:
    def begin(
        self, name: str, metadata: Mapping[str, str], facts: Mapping[str, Value]
    ) -> CallTrace | None:
        return None

    async def close(self) -> None:
        return


NO_TRACING: Final[Tracing] = _NoTracing()
"""Traces nothing."""

running_call: Final = contextvars.ContextVar[CallTrace | None]("running_call", default=None)
running_batch: Final = contextvars.ContextVar[BatchTrace | None]("running_batch", default=None)
_NOTHING: Final = contextlib.nullcontext()
_NO_METADATA: Final[AbstractContextManager[Metadata]] = contextlib.nullcontext(())


@dataclass(frozen=True, slots=True)
class WaitingRow:
    """A row that leaves the queue.

    Attributes:
        trace: The trace of its call; None if it is not traced.
        queue_s: How long it waited, in seconds.
    """

    trace: CallTrace | None
    queue_s: float


def current_trace() -> CallTrace | None:
    """The trace of the call that the running task works for; None if it is not traced."""
    return running_call.get()


def stage(name: str) -> AbstractContextManager[None]:
    """Spans the time inside as a stage of the running call."""
    trace = running_call.get()
    return _NOTHING if trace is None else trace.stage(name)


def batch(rows: Iterable[WaitingRow], facts: Mapping[str, Value]) -> AbstractContextManager[None]:
    """Spans the time inside as a batch, linked to and from the call of every row.

    Each call gets the span of its wait in the queue, and of its time in the model server.
    """
    traced = [row for row in rows if row.trace is not None]
    if not traced or traced[0].trace is None:
        return _NOTHING
    return traced[0].trace.batch(traced, facts)


def outgoing(name: str, facts: Mapping[str, Value]) -> AbstractContextManager[Metadata]:
    """Spans the time inside as a call to a model server, for the running batch.

    Yields:
        The metadata by which the model server can go on with the trace.
    """
    running = running_batch.get()
    return _NO_METADATA if running is None else running.outgoing(name, facts)
