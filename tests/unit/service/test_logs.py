from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from service.call_record import CallRecord, current_call
from service.logs import JsonFormatter, configure_logs
from service.settings import LogFormat, LogLevel


@pytest.fixture
def clean_logging() -> Iterator[None]:
    """Puts the process' logging back as it was."""
    root, grpc_logger = logging.getLogger(), logging.getLogger("grpc")
    handlers, levels = root.handlers[:], (root.level, grpc_logger.level)
    root.handlers = []
    yield
    root.handlers = handlers
    root.setLevel(levels[0])
    grpc_logger.setLevel(levels[1])


@pytest.mark.parametrize("log_format", LogFormat)
def test_every_line_names_the_request_it_belongs_to(
    clean_logging: None, capsys: pytest.CaptureFixture[str], log_format: LogFormat
) -> None:
    configure_logs(log_format, LogLevel.INFO)
    token = current_call.set(CallRecord("id-7", "grpc", "Generate"))
    try:
        logging.getLogger("service.test").info("answered")
        logging.getLogger("service.test").debug("too quiet to be heard")
    finally:
        current_call.reset(token)
    (line,) = capsys.readouterr().err.splitlines()
    assert "id-7" in line
    assert "answered" in line


def test_json_lines_hold_the_request_id_and_the_exception() -> None:
    try:
        raise ValueError("wrong")
    except ValueError as error:
        record = logging.LogRecord(
            *("a.b", logging.ERROR, "file", 1, "failed %d", (7,)),
            exc_info=(type(error), error, None),
        )
    record.request_id = "abc"
    line = json.loads(JsonFormatter().format(record))
    assert (line["level"], line["message"], line["request_id"]) == ("error", "failed 7", "abc")
    assert "ValueError: wrong" in line["exception"]


def test_outside_of_a_request_there_is_no_id() -> None:
    assert current_call.get() is None
