"""A receiver of traces over OTLP/gRPC, as an OpenTelemetry collector is one."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class TraceReceiver(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps every span that it gets.

    Attributes:
        endpoint: Where it listens, as a URL.
        spans: The spans, in the order in which they came.
        services: The names of the services that sent them.
    """

    endpoint: str = ""
    spans: list[Span] = field(default_factory=list)
    services: set[str] = field(default_factory=set)

    def Export(self, request, context):  # noqa: N802
        for resource_spans in request.resource_spans:
            self.services |= {
                attribute.value.string_value
                for attribute in resource_spans.resource.attributes
                if attribute.key == "service.name"
            }
            for scope_spans in resource_spans.scope_spans:
                self.spans.extend(scope_spans.spans)
        return trace_service_pb2.ExportTraceServiceResponse()

    def named(self, name: str) -> list[Span]:
        """The spans of this name."""
        return [span for span in self.spans if span.name == name]


@contextmanager
def running_trace_receiver() -> Iterator[TraceReceiver]:
    """A receiver that listens while the block runs."""
    receiver = TraceReceiver()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(receiver, server)
    receiver.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield receiver
    finally:
        server.stop(grace=0).wait()
