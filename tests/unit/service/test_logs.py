from __future__ import annotations

import json
import logging

from service.logs import JsonFormatter, request_id


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
    assert request_id.get() == "-"
