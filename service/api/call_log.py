"""One line in the log for a call that ended."""

from __future__ import annotations

import asyncio
import logging
import random
from dataclasses import dataclass
from typing import Final

from google.protobuf import json_format
from google.protobuf.message import Message

from service.call_record import CallRecord
from service.errors import InternalError, ServiceError
from service.metrics import Metrics

logger = logging.getLogger(__name__)

LINES_AT_ONCE: Final = 10
"""So many failures for one reason are logged as they come ..."""
LINES_PER_S: Final = 1.0
"""... and then so many in a second; each says how many were left out before it."""


class CallLog:
    """Writes of calls that ended.

    Failures that the gateway foresees are a line each, until they come in crowds: then a few of
    each reason stand for the rest. Faults are always logged, with where they happened.

    Args:
        metrics: Counts the lines that are left out.
        answered_share: The share of answered calls that get a line, 0 to 1.
        with_requests: Whether lines hold the whole request, texts included.
    """

    def __init__(
        self, metrics: Metrics, answered_share: float = 0.0, *, with_requests: bool = False
    ) -> None:
        self._metrics = metrics.process
        self._answered_share = answered_share
        self._with_requests = with_requests
        if with_requests:
            logger.warning("--log-texts: the texts of callers are written to this log")
        self._allowances: dict[tuple[str, str], _Allowance] = {}

    def ended(
        self, record: CallRecord, *, code: str, seconds: float, failure: BaseException | None
    ) -> None:
        """A call ended.

        Args:
            record: What is known of it.
            code: The name of its gRPC status code.
            seconds: How long it took.
            failure: What ended it, if it was not answered.
        """
        ending = _Ending(record, code, seconds, failure)
        if failure is None:
            is_told = random.random() < self._answered_share
            _write(logging.INFO if is_told else logging.DEBUG, "answered", ending)
        elif not isinstance(failure, Exception):
            _write(logging.DEBUG, "left by its caller", ending)
        elif not isinstance(failure, ServiceError) or isinstance(failure, InternalError):
            _write(logging.ERROR, "failed", ending)
        else:
            self._write_refusal(ending, failure.reason)

    @property
    def keeps_requests(self) -> bool:
        """Whether calls are to keep their requests until they end."""
        return self._with_requests

    def _write_refusal(self, ending: _Ending, reason: str) -> None:
        allowance = self._allowances.setdefault((ending.record.method, reason), _Allowance())
        now = asyncio.get_running_loop().time()
        if not allowance.take(now):
            self._metrics.log_lines_dropped("repeated")
            return
        left_out, allowance.left_out = allowance.left_out, 0
        what = f"failed ({left_out} more like it before)" if left_out else "failed"
        _write(logging.INFO, what, ending)


@dataclass(frozen=True, slots=True)
class _Ending:
    """How a call ended."""

    record: CallRecord
    code: str
    seconds: float
    failure: BaseException | None

    @property
    def reason(self) -> str:
        """The reason of a failure; empty if there was none."""
        if self.failure is None:
            return ""
        return self.failure.reason if isinstance(self.failure, ServiceError) else "UNKNOWN"


@dataclass(slots=True)
class _Allowance:
    """How many lines may be written for one reason now."""

    lines: float = LINES_AT_ONCE
    since: float = 0.0
    left_out: int = 0

    def take(self, now: float) -> bool:
        earned = (now - self.since) * LINES_PER_S
        self.lines, self.since = min(self.lines + earned, LINES_AT_ONCE), now
        if self.lines < 1:
            self.left_out += 1
            return False
        self.lines -= 1
        return True


def _write(level: int, what: str, ending: _Ending) -> None:
    if not logger.isEnabledFor(level):
        return
    record = ending.record
    facts = _facts(ending)
    reason = f" with {ending.reason}" if isinstance(ending.failure, Exception) else ""
    request = f": {facts['request']}" if "request" in facts else ""
    logger.log(
        level,
        "%s %s after %.1f ms%s%s",
        record.method,
        what,
        ending.seconds * 1e3,
        reason,
        request,
        exc_info=ending.failure if level >= logging.ERROR else None,
        extra={"call": facts},
    )


def _facts(ending: _Ending) -> dict[str, object]:
    """What the line says for programs; see docs/observation.md."""
    record = ending.record
    facts: dict[str, object] = {
        "protocol": record.protocol,
        "method": record.method,
        "code": ending.code,
        "duration_s": round(ending.seconds, 6),
    }
    named = {"reason": ending.reason, "caller": record.caller, "model": record.model}
    facts |= {name: value for name, value in named.items() if value}
    if record.version:
        facts["version"] = record.version
    if record.stages is not None:
        stages = record.stages.by_name().items()
        facts |= {f"{stage}_s": round(seconds_in_it, 6) for stage, seconds_in_it in stages}
    if isinstance(record.request, Message):
        facts["request"] = json_format.MessageToDict(record.request)
    return facts
