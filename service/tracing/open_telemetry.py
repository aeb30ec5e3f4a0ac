"""Traces by OpenTelemetry, sent over OTLP/gRPC. Loaded only if they are wanted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    TraceState,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes

from heed import __version__
from service.tracing.spans import (
    CallTrace,
    Ending,
    Metadata,
    Value,
    WaitingRow,
    running_batch,
)

MAX_WAITING_SPANS: Final = 4096
"""So many spans wait to be sent; then new ones are dropped."""
CLOSE_TIMEOUT_S: Final = 2.0

_PROPAGATOR: Final = TraceContextTextMapPropagator()


class OpenTelemetry:
    """Makes traces of a share of the calls, and of those whose caller traces them.

    Args:
        processor: Gets every span that ended.
        share: The share of calls that are traced where no caller decides, 0 to 1.
    """

    def __init__(self, processor: SpanProcessor, share: float) -> None:
        resource = Resource.create(
            {
                "service.name": os.environ.get("OTEL_SERVICE_NAME", "heed"),
                "service.version": __version__,
            }
        )
        self._provider = TracerProvider(
            sampler=ParentBased(_CallsAndBatches(share)), resource=resource, shutdown_on_exit=False
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("heed", __version__)

    def begin(
        self, name: str, metadata: Mapping[str, str], facts: Mapping[str, Value]
    ) -> CallTrace | None:
        """A call came; see `Tracing`."""
        span = self._tracer.start_span(
            name,
            context=_PROPAGATOR.extract(metadata),
            kind=SpanKind.SERVER,
            attributes=facts,
        )
        return _CallSpan(self._tracer, span) if span.is_recording() else None

    async def close(self) -> None:
        """Sends what was not sent yet, for a moment at most."""
        loop, is_sent = asyncio.get_running_loop(), asyncio.Event()

        def send() -> None:
            self._provider.shutdown()
            with contextlib.suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(is_sent.set)

        threading.Thread(target=send, name="last spans", daemon=True).start()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(is_sent.wait(), CLOSE_TIMEOUT_S)


class _CallSpan:
    """The span of a call, and how those below it are made."""

    def __init__(self, tracer: Tracer, span: Span) -> None:
        self._tracer = tracer
        self.span = span
        self.context = set_span_in_context(span, Context())

    @property
    def trace_id(self) -> str:
        return f"{self.span.get_span_context().trace_id:032x}"

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        with _spanning(self._tracer.start_span(name, context=self.context)):
            yield

    @contextlib.contextmanager
    def batch(self, rows: Iterable[WaitingRow], facts: Mapping[str, Value]) -> Iterator[None]:
        calls: dict[_CallSpan, float] = {}
        for row in rows:
            if isinstance(row.trace, _CallSpan):
                calls[row.trace] = max(row.queue_s, calls.get(row.trace, 0.0))
        links = [Link(call.span.get_span_context()) for call in calls]
        span = self._tracer.start_span("batch", context=Context(), links=links, attributes=facts)
        in_model = [call._enter_model(span, queue_s) for call, queue_s in calls.items()]
        token = running_batch.set(_BatchSpan(self._tracer, span))
        try:
            with _spanning(span):
                yield
        finally:
            running_batch.reset(token)
            for each in in_model:
                each.end()

    def end(self, ending: Ending) -> None:
        self.span.set_attributes(dict(ending.facts))
        if ending.reason:
            self.span.set_attribute("error.type", ending.reason)
        if ending.is_fault:
            self.span.set_status(Status(StatusCode.ERROR, ending.reason))
        self.span.end()

    def _enter_model(self, batch: Span, queue_s: float) -> Span:
        """Spans the wait that is over, and begins the span of the time in the model server."""
        now = time.time_ns()
        links = [Link(batch.get_span_context())]
        began = now - int(queue_s * 1e9)
        waiting = self._tracer.start_span(
            "queue", context=self.context, links=links, start_time=began
        )
        waiting.end(now)
        return self._tracer.start_span("model", context=self.context, links=links)


class _BatchSpan:
    """The span of a batch."""

    def __init__(self, tracer: Tracer, span: Span) -> None:
        self._tracer = tracer
        self._context = set_span_in_context(span, Context())

    @contextlib.contextmanager
    def outgoing(self, name: str, facts: Mapping[str, Value]) -> Iterator[Metadata]:
        span = self._tracer.start_span(
            name, context=self._context, kind=SpanKind.CLIENT, attributes=facts
        )
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, set_span_in_context(span, Context()))
        with _spanning(span):
            yield tuple(carrier.items())


@contextlib.contextmanager
def _spanning(span: Span) -> Iterator[None]:
    """Ends a span with the block. Errors mark it by their type: their words may hold too much."""
    try:
        yield
    except BaseException as error:
        span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        span.end()


class _CallsAndBatches(Sampler):
    """Takes a share of the calls, and every batch: only those with a call that was taken begin."""

    def __init__(self, share: float) -> None:
        self._calls = TraceIdRatioBased(share)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decides about a span that has no parent."""
        if links:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, trace_state)
        return self._calls.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        """What it is."""
        return f"heed: batches and {self._calls.get_description()}"


def exporting(endpoint: str, share: float) -> OpenTelemetry:
    """Traces that are sent over OTLP/gRPC. A receiver that is not there costs the spans alone.

    Args:
        endpoint: Where to; empty for what OpenTelemetry's own environment variables say.
        share: The share of calls that are traced, 0 to 1.
    """
    exporter = OTLPSpanExporter(endpoint=endpoint or None)
    return OpenTelemetry(BatchSpanProcessor(exporter, max_queue_size=MAX_WAITING_SPANS), share)
