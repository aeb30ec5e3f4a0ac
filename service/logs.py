"""Log lines with the id of the request they belong to. They never hold a caller's text.

Lines are written by a thread of their own, straight to standard error: a full disk or a reader
that does not read can lose lines, which are counted, and can neither stop nor fail the gateway.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Final

from service.call_record import current_call
from service.settings import LogFormat, LogLevel

MAX_WAITING_LINES: Final = 10_000
"""So many lines wait for a reader; then new ones are lost."""
FLUSH_TIMEOUT_S: Final = 2.0
"""How long the last lines may take to be written when the process ends."""
STANDARD_ERROR: Final = 2
SELDOM_S: Final = 60.0
"""How long is between two lines about traces that could not be sent."""

_PLAIN: Final = "%(asctime)s %(levelname)-7s [%(request_id)s] %(name)s: %(message)s"


class _RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        call = current_call.get()
        record.request_id = "-" if call is None else call.id
        record.trace_id = "" if call is None else call.trace_id
        return True


class _SeldomFilter(logging.Filter):
    """Lets lines of talkative libraries through once in a while: a receiver may be away for days.

    Args:
        library: The beginning of their loggers' names.
    """

    def __init__(self, library: str) -> None:
        super().__init__()
        self._library = library
        self._next_line_at = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(self._library):
            return True
        is_time = record.created >= self._next_line_at
        if is_time:
            self._next_line_at = record.created + SELDOM_S
        return is_time


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        line = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process_id": record.process,
            "request_id": getattr(record, "request_id", "-"),
            "message": record.getMessage(),
        }
        if trace_id := getattr(record, "trace_id", ""):
            line["trace_id"] = trace_id
        line |= getattr(record, "call", {})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """When it was, in UTC, as ISO 8601 has it."""
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        return f"{seconds}.{int(record.msecs):03d}Z"


class LineWriter(logging.Handler):
    """Writes lines to a file descriptor without ever making a caller wait.

    Args:
        descriptor: Where to.

    Attributes:
        on_loss: Called with the number of lines that were lost.
    """

    def __init__(self, descriptor: int = STANDARD_ERROR) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._waiting: queue.Queue[str] = queue.Queue(MAX_WAITING_LINES)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self.on_loss: Callable[[int], None] = lambda count: None

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a record."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001  (as logging has it: a wrong line must not fail a call)
            line = f"a line could not be formatted: {record.name}: {record.msg!r}"
        self.write(line)

    def write(self, line: str) -> None:
        """Writes a line soon, after those before it."""
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            self.on_loss(1)
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._write_lines, name="log writer", daemon=True
                )
                self._thread.start()

    def flush(self) -> None:
        """Waits until the lines so far are written, but not for ever."""
        written = self._waiting.all_tasks_done
        with written:
            written.wait_for(lambda: not self._waiting.unfinished_tasks, FLUSH_TIMEOUT_S)

    def _write_lines(self) -> None:
        while True:
            data = f"{self._waiting.get()}\n".encode(errors="backslashreplace")
            try:
                while data:
                    data = data[os.write(self._descriptor, data) :]
            except OSError:  # the disk is full, or the reader is gone
                self.on_loss(1)
            finally:
                self._waiting.task_done()


def configure_logs(log_format: LogFormat, log_level: LogLevel) -> None:
    """Sends log lines to standard error."""
    handler = LineWriter()
    handler.addFilter(_RequestIdFilter())
    handler.addFilter(_SeldomFilter("opentelemetry."))
    is_json = log_format is LogFormat.JSON
    handler.setFormatter(JsonFormatter() if is_json else logging.Formatter(_PLAIN))
    logging.getLogger("grpc").setLevel(logging.WARNING)  # it tells of every channel
    logging.basicConfig(handlers=[handler], level=log_level.value.upper(), force=True)


def announce(line: str) -> None:
    """Writes a line that scripts wait for to standard error, after the log's lines so far."""
    writer = _writer()
    if writer is not None:
        writer.write(line)
    else:
        print(line, file=sys.stderr, flush=True)


def on_lost_lines(report: Callable[[int], None]) -> None:
    """Has the number of log lines that could not be written told, from any thread."""
    writer = _writer()
    if writer is not None:
        writer.on_loss = report


def _writer() -> LineWriter | None:
    handlers = logging.getLogger().handlers
    return next((each for each in handlers if isinstance(each, LineWriter)), None)
