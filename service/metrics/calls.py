"""Metrics of calls: how many, how they ended, where their time went."""

from __future__ import annotations

from typing import Final

from service.errors import InternalError, leaf_errors
from service.metrics.families import DURATION_BOUNDS_S, Families

_REASONS: Final = (*(error.reason for error in leaf_errors()), InternalError.reason, "CANCELLED")


class CallMetrics:
    """Measures calls from their arrival to their end.

    A model's label is empty for calls that ended before it was clear which model answers; it is
    never what a caller wrote. A method that was called once shows every reason to fail, as 0.

    Args:
        families: Makes the metrics.
    """

    def __init__(self, families: Families) -> None:
        self._requests = families.counter(
            "requests",
            "Calls that ended, by the gRPC status code they ended with.",
            ("protocol", "method", "model", "code"),
        )
        self._errors = families.counter(
            "errors",
            "Calls that failed, by the reason that callers see; CANCELLED: the caller left.",
            ("method", "reason"),
        )
        self._duration = families.histogram(
            "request_duration_seconds",
            "From the arrival of a call to its end, in seconds (stage total).",
            ("method", "model"),
            bounds=DURATION_BOUNDS_S,
        )
        self._stages = families.histogram(
            "stage_duration_seconds",
            "Where the time of answered calls went, in seconds: tokenize, queue, model, "
            "detokenize, heads or attention.",
            ("stage", "model"),
            bounds=DURATION_BOUNDS_S,
        )
        self._methods: set[str] = set()
        self._in_progress = families.gauge(
            "requests_in_progress", "Calls inside the gateway.", ("protocol",), across="livesum"
        )
        self._streams = families.gauge(
            "streams_open", "Streaming calls inside the gateway.", ("method",), across="livesum"
        )
        self._first_chunk = families.histogram(
            "stream_first_chunk_seconds",
            "From the arrival of a streaming call to its first chunk, in seconds.",
            ("method",),
            bounds=DURATION_BOUNDS_S,
        )

    def began(self, protocol: str) -> None:
        """A call came in."""
        self._in_progress.labels(protocol).inc()

    def ended(self, *, protocol: str, method: str, model: str, code: str, seconds: float) -> None:
        """A call that `began` is over, one way or another.

        Args:
            protocol: "grpc" or "http".
            method: The method's name, for example "Generate".
            model: The model that was chosen; empty if none was.
            code: The gRPC status code's name, "OK" included.
            seconds: How long it took.
        """
        self._in_progress.labels(protocol).dec()
        self._requests.labels(protocol, method, model, code).inc()
        self._duration.labels(method, model).observe(seconds)
        if method not in self._methods:
            self._methods.add(method)
            for reason in _REASONS:
                self._errors.labels(method, reason)

    def failed(self, *, method: str, reason: str) -> None:
        """A call failed for a reason of `service.errors`, or "CANCELLED"."""
        self._errors.labels(method, reason).inc()

    def stage(self, stage: str, *, model: str, seconds: float) -> None:
        """How long a stage of an answered call took: "queue", "model", "heads", ..."""
        self._stages.labels(stage, model).observe(seconds)

    def stream_began(self, method: str) -> None:
        """A stream opened."""
        self._streams.labels(method).inc()

    def stream_ended(self, method: str) -> None:
        """A stream that `stream_began` is closed."""
        self._streams.labels(method).dec()

    def first_chunk(self, method: str, seconds: float) -> None:
        """The first chunk of a stream left, so many seconds after the call came."""
        self._first_chunk.labels(method).observe(seconds)
