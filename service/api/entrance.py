"""The way in of every call, whatever protocol it came by.

    with entrance.admit(arrival) as record:
        response = await answer(request)

A call passes the gate and the check of who calls, and is measured and logged when it ends. Errors
and cancellation pass through unchanged: each protocol says them in its own way, by
`service.api.error_table`. A stream keeps the block open until its last message.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import grpc

from service.api.call_gate import CallGate
from service.api.call_log import CallLog
from service.api.error_table import code_of
from service.call_record import CallRecord, current_call
from service.errors import ServiceError
from service.metrics import Metrics
from service.security.authorizer import Authorizer
from service.tracing import NO_TRACING, CallTrace, Ending, Tracing
from service.tracing.spans import running_call

REQUEST_ID_KEY: Final = "x-request-id"
FAULTS: Final = frozenset(
    {"INTERNAL", "UNAVAILABLE", "FAILED_PRECONDITION", "DEADLINE_EXCEEDED", "UNKNOWN"}
)
"""Codes by which the gateway, or what stands behind it, is to blame."""
_REQUEST_ID: Final = re.compile(r"[\w.:-]{1,64}", re.ASCII)


class Protocol(StrEnum):
    """How a call came."""

    GRPC = "grpc"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call that came.

    Attributes:
        protocol: How it came.
        method: The method's name as the proto has it, for example "Generate"; from a fixed set.
        request_id: Its id; see `request_id_of`.
        metadata: Its metadata or headers; keys in lower case.
        is_stream: Whether it is answered in pieces.
        peer: Where it came from; empty if that is not known.
        certificate_names: The names in the caller's certificate, which was checked; else empty.
    """

    protocol: Protocol
    method: str
    request_id: str
    metadata: Mapping[str, str]
    is_stream: bool = False
    peer: str = ""
    certificate_names: tuple[str, ...] = ()


def request_id_of(metadata: Mapping[str, str]) -> str:
    """The caller's own id if it sent a usable one, else a new one."""
    given = metadata.get(REQUEST_ID_KEY, "")
    return given if _REQUEST_ID.fullmatch(given) else f"{random.getrandbits(128):032x}"


class Entrance:
    """Lets calls in.

    Args:
        gate: Is shut before the gateway ends.
        metrics: Counts calls.
        log: Writes of calls that ended.
        authorizer: Checks who calls, and how much it may.
        tracing: Makes traces of calls.
    """

    def __init__(
        self,
        gate: CallGate,
        metrics: Metrics,
        *,
        log: CallLog,
        authorizer: Authorizer | None = None,
        tracing: Tracing = NO_TRACING,
    ) -> None:
        self._gate = gate
        self._metrics = metrics.calls
        self._log = log
        self._tracing = tracing
        self._authorizer = authorizer or Authorizer(None)

    @property
    def ending(self) -> asyncio.Event:
        """Is set when no new calls are let in; streams that read texts then read no more."""
        return self._gate.shut

    @contextlib.contextmanager
    def admit(self, arrival: Arrival) -> Iterator[CallRecord]:
        """Lets a call in, and out again.

        Raises:
            DrainingError: The gate is shut.
            ServiceError: The caller may not come in.
        """
        record = CallRecord(arrival.request_id, arrival.protocol.value, arrival.method)
        record.keeps_request = self._log.keeps_requests
        current_call.set(record)
        trace = self._begin_trace(arrival, record)
        self._count_in(arrival)
        began = time.perf_counter()
        failure: BaseException | None = None
        try:
            with (
                self._gate.pass_through(),
                self._authorizer.let_in(arrival.metadata, arrival.peer),
            ):
                yield record
        except (Exception, asyncio.CancelledError, GeneratorExit) as error:
            failure = error
            raise
        finally:
            self._count_out(arrival, record, seconds=time.perf_counter() - began, failure=failure)
            if record.first_chunk_at is not None:
                self._metrics.first_chunk(record.method, record.first_chunk_at - began)
            if trace is not None:
                trace.end(_ending_of(record, failure))

    def _begin_trace(self, arrival: Arrival, record: CallRecord) -> CallTrace | None:
        facts = {
            "rpc.system": arrival.protocol.value,
            "rpc.method": arrival.method,
            "heed.request_id": arrival.request_id,
        }
        trace = self._tracing.begin(arrival.method, arrival.metadata, facts)
        running_call.set(trace)
        record.trace_id = "" if trace is None else trace.trace_id
        return trace

    def check_key(self, metadata: Mapping[str, str]) -> None:
        """Checks the key of what is no call, where keys are asked for.

        Raises:
            UnauthenticatedError: There is none that is good.
        """
        self._authorizer.check(metadata)

    def _count_in(self, arrival: Arrival) -> None:
        self._metrics.began(arrival.protocol.value)
        if arrival.is_stream:
            self._metrics.stream_began(arrival.method)

    def _count_out(
        self, arrival: Arrival, record: CallRecord, *, seconds: float, failure: BaseException | None
    ) -> None:
        code = code_of(failure).name if failure is not None else "OK"
        self._metrics.ended(
            protocol=record.protocol,
            method=record.method,
            model=record.model,
            code=code,
            seconds=seconds,
        )
        if arrival.is_stream:
            self._metrics.stream_ended(arrival.method)
        stages = record.stages
        if failure is not None:
            reason = failure.reason if isinstance(failure, ServiceError) else code
            self._metrics.failed(method=record.method, reason=reason)
        elif stages is not None:
            for stage, seconds_in_it in stages.by_name().items():
                self._metrics.stage(stage, model=record.model, seconds=seconds_in_it)
        self._log.ended(record, code=code, seconds=seconds, failure=failure)


def _ending_of(record: CallRecord, failure: BaseException | None) -> Ending:
    facts: dict[str, str | int | float | bool] = {}
    if record.model:
        facts["heed.model"] = record.model
    if record.version:
        facts["heed.version"] = record.version
    status = grpc.StatusCode.OK if failure is None else code_of(failure)
    facts["rpc.grpc.status_code"] = int(status.value[0])
    if failure is None:
        return Ending(facts=facts)
    code = status.name
    reason = failure.reason if isinstance(failure, ServiceError) else code
    return Ending(reason, is_fault=code in FAULTS, facts=facts)
