"""What is known of the call that the running task works for: for its log lines and metrics."""

from __future__ import annotations

import contextvars
import time
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class StageTimes:
    """Where the time of a call went so far, in seconds. No moment counts for two stages."""

    tokenize_s: float
    queue_s: float
    model_s: float
    detokenize_s: float = 0.0
    heads_s: float = 0.0
    attention_s: float = 0.0

    def by_name(self) -> dict[str, float]:
        """The seconds of each stage; of those that few calls have only where there were any."""
        always = {"tokenize": self.tokenize_s, "queue": self.queue_s, "model": self.model_s}
        further = {
            "detokenize": self.detokenize_s,
            "heads": self.heads_s,
            "attention": self.attention_s,
        }
        return always | {name: seconds for name, seconds in further.items() if seconds}


@dataclass(slots=True, eq=False)
class CallRecord:
    """A call from its arrival to its end. It holds no caller's text, unless it is told to.

    Attributes:
        id: The request's id.
        protocol: How it came: "grpc" or "http".
        method: The method's name, for example "Generate".
        caller: The name of the key or certificate that it showed; empty if none was asked for.
        model: The model that answers; empty until it is found. Never what the caller wrote.
        version: The version that answers; 0 until one is chosen.
        stages: Where its time went; None before it is known.
        first_chunk_at: When the first message of a stream left, on `time.perf_counter`'s clock;
            None before that.
        trace_id: The trace that it belongs to, in hexadecimal; empty if it is not traced.
        keeps_request: Whether the request itself, texts included, is kept for the log.
        request: The request, or the last message of it; None unless it is kept.
    """

    id: str
    protocol: str
    method: str
    caller: str = ""
    model: str = ""
    version: int = 0
    stages: StageTimes | None = None
    first_chunk_at: float | None = None
    trace_id: str = ""
    keeps_request: bool = False
    request: object = None


current_call: Final = contextvars.ContextVar[CallRecord | None]("current_call", default=None)
"""The call that the running task works for; None outside of calls."""


def note_caller(name: str) -> None:
    """Notes who makes the running call."""
    record = current_call.get()
    if record is not None:
        record.caller = name


def current_request_id() -> str:
    """The id of the call that the running task works for; empty outside of calls."""
    record = current_call.get()
    return "" if record is None else record.id


def note_request(request: object) -> None:
    """Notes what the running call asks, if that is to be logged."""
    record = current_call.get()
    if record is not None and record.keeps_request:
        record.request = request


def note_model(model: str, version: int = 0) -> None:
    """Notes which model, and which version of it, the running call turned out to be for."""
    record = current_call.get()
    if record is not None:
        record.model = model
        record.version = version or record.version


def note_chunk() -> None:
    """Notes that a message of the running call's answer left."""
    record = current_call.get()
    if record is not None and record.first_chunk_at is None:
        record.first_chunk_at = time.perf_counter()


def note_stages(stages: StageTimes) -> None:
    """Notes where the running call's time went so far."""
    record = current_call.get()
    if record is not None:
        record.stages = stages
