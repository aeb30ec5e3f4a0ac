"""One line in the log for a call that ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

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
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics.process
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
        if failure is None:
            _write(logging.DEBUG, "answered", record, code=code, seconds=seconds)
        elif not isinstance(failure, Exception):
            _write(logging.DEBUG, "left by its caller", record, code=code, seconds=seconds)
        elif not isinstance(failure, ServiceError) or isinstance(failure, InternalError):
            _write(logging.ERROR, "failed", record, code=code, seconds=seconds, failure=failure)
        else:
            self._write_refusal(record, failure, code=code, seconds=seconds)

    def _write_refusal(
        self, record: CallRecord, failure: ServiceError, *, code: str, seconds: float
    ) -> None:
        allowance = self._allowances.setdefault((record.method, failure.reason), _Allowance())
        now = asyncio.get_running_loop().time()
        if not allowance.take(now):
            self._metrics.log_lines_dropped("repeated")
            return
        left_out, allowance.left_out = allowance.left_out, 0
        what = f"failed ({left_out} more like it before)" if left_out else "failed"
        _write(logging.INFO, what, record, code=code, seconds=seconds, failure=failure)


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


def _write(
    level: int,
    what: str,
    record: CallRecord,
    *,
    code: str,
    seconds: float,
    failure: Exception | None = None,
) -> None:
    if not logger.isEnabledFor(level):
        return
    reason = failure.reason if isinstance(failure, ServiceError) else "UNKNOWN"
    ending = f" with {reason}" if failure is not None else ""
    logger.log(
        level,
        "%s %s after %.1f ms%s",
        record.method,
        what,
        seconds * 1e3,
        ending,
        exc_info=failure if level >= logging.ERROR else None,
        extra={
            "call": _facts(record, code=code, seconds=seconds, reason=reason if failure else "")
        },
    )


def _facts(
    record: CallRecord, *, code: str, seconds: float, reason: str
) -> Mapping[str, str | int | float]:
    """What the line says for programs."""
    facts: dict[str, str | int | float] = {
        "protocol": record.protocol,
        "method": record.method,
        "code": code,
        "duration_s": round(seconds, 6),
    }
    named = {"reason": reason, "caller": record.caller, "model": record.model}
    facts |= {name: value for name, value in named.items() if value}
    if record.version:
        facts["version"] = record.version
    if record.stages is not None:
        facts |= {
            "tokenize_s": round(record.stages.tokenize_s, 6),
            "queue_s": round(record.stages.queue_s, 6),
            "model_s": round(record.stages.model_s, 6),
        }
    return facts
