from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import time
from collections.abc import Iterator

import pytest

from service.call_record import CallRecord, current_call
from service.logs import (
    MAX_WAITING_LINES,
    JsonFormatter,
    LineWriter,
    announce,
    configure_logs,
    on_lost_lines,
)
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
    clean_logging: None, capfd: pytest.CaptureFixture[str], log_format: LogFormat
) -> None:
    configure_logs(log_format, LogLevel.INFO)
    token = current_call.set(CallRecord("id-7", "grpc", "Generate"))
    try:
        logging.getLogger("service.test").info("answered")
        logging.getLogger("service.test").debug("too quiet to be heard")
    finally:
        current_call.reset(token)
    logging.getLogger().handlers[0].flush()
    (line,) = capfd.readouterr().err.splitlines()
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
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    assert "ValueError: wrong" in line["exception"]


def test_outside_of_a_request_there_is_no_id() -> None:
    assert current_call.get() is None


def test_lines_and_announcements_keep_their_order(
    clean_logging: None, capfd: pytest.CaptureFixture[str]
) -> None:
    configure_logs(LogFormat.PLAIN, LogLevel.INFO)
    for index in range(50):
        logging.getLogger("service.test").info("line %d", index)
        announce(f"announced {index}")
    logging.getLogger().handlers[0].flush()
    lines = [line.split(": ")[-1] for line in capfd.readouterr().err.splitlines()]
    expected = [text for index in range(50) for text in (f"line {index}", f"announced {index}")]
    assert lines == expected


def test_what_is_told_of_lost_traces_does_not_fill_the_log(
    clean_logging: None, capfd: pytest.CaptureFixture[str]
) -> None:
    configure_logs(LogFormat.PLAIN, LogLevel.INFO)
    for _ in range(20):
        logging.getLogger("opentelemetry.exporter").warning("not sent")
        logging.getLogger("service.test").warning("a word")
    logging.getLogger().handlers[0].flush()
    text = capfd.readouterr().err
    assert (text.count("not sent"), text.count("a word")) == (1, 20)


def test_a_full_disk_costs_lines_and_nothing_else(clean_logging: None) -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    lost: list[int] = []
    try:
        writer = LineWriter(descriptor)
        logging.getLogger().addHandler(writer)
        on_lost_lines(lost.append)
        for _ in range(20):
            writer.write("a line")
        writer.flush()
    finally:
        os.close(descriptor)
    assert sum(lost) == 20


def test_a_reader_that_does_not_read_makes_nobody_wait() -> None:
    reading, writing = os.pipe()
    lost: list[int] = []
    writer = LineWriter(writing)
    writer.on_loss = lost.append
    began = time.monotonic()
    for _ in range(MAX_WAITING_LINES + 3000):
        writer.write("x" * 100)
    assert time.monotonic() - began < 5
    assert sum(lost) > 0
    os.set_blocking(reading, False)
    while sum(map(len, read_all(reading))) or writer._waiting.unfinished_tasks:
        time.sleep(0.01)
    writer.flush()
    os.close(writing)
    os.close(reading)


def read_all(descriptor: int) -> Iterator[bytes]:
    """What waits in a pipe."""
    with contextlib.suppress(BlockingIOError):
        while data := os.read(descriptor, 1_000_000):
            yield data


def test_a_line_that_cannot_be_formatted_is_told_of(capfd: pytest.CaptureFixture[str]) -> None:
    writer = LineWriter()
    record = logging.LogRecord("a.b", logging.INFO, "file", 1, "%d lines", ("no number",), None)
    writer.emit(record)
    writer.flush()
    assert "a line could not be formatted: a.b: '%d lines'" in capfd.readouterr().err
