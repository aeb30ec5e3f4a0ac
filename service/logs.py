"""Log lines with the id of the request they belong to. They never hold a caller's text."""

from __future__ import annotations

import json
import logging
import sys
from typing import Final

from service.call_record import current_call
from service.settings import LogFormat, LogLevel

_PLAIN: Final = "%(asctime)s %(levelname)-7s [%(request_id)s] %(name)s: %(message)s"


class _RequestIdFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        call = current_call.get()
        record.request_id = "-" if call is None else call.id
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        line = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "request_id": getattr(record, "request_id", "-"),
            "message": record.getMessage(),
            **getattr(record, "call", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logs(log_format: LogFormat, log_level: LogLevel) -> None:
    """Sends log lines to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_RequestIdFilter())
    is_json = log_format is LogFormat.JSON
    handler.setFormatter(JsonFormatter() if is_json else logging.Formatter(_PLAIN))
    logging.getLogger("grpc").setLevel(logging.WARNING)  # it tells of every channel
    logging.basicConfig(handlers=[handler], level=log_level.value.upper(), force=True)
