"""The page on observation shows the metrics that there are, and the fields of log lines."""

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

from service.api.call_gate import CallGate
from service.api.call_log import CallLog
from service.api.entrance import Arrival, Entrance, Protocol
from service.call_record import StageTimes, note_caller, note_model, note_request, note_stages
from service.logs import JsonFormatter
from service.metrics import Metrics

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/observation.md").read_text(encoding="utf-8")


def test_the_documented_metrics_are_those_of_the_code() -> None:
    command = [sys.executable, ROOT / "tools/document_metrics.py", "--check"]
    assert subprocess.run(command, check=False).returncode == 0, "run: make docs"


def test_the_questions_ask_for_metrics_that_there_are() -> None:
    names = {metric.name for metric in Metrics().described}
    asked = set(re.findall(r"heed_\w+", PAGE.partition("how to ask them")[2]))
    assert asked
    for name in asked:
        assert name in names or re.sub(r"_(bucket|sum|count)$", "", name) in names, name


async def test_every_field_of_a_log_line_is_on_the_page(
    caplog: pytest.LogCaptureFixture,
) -> None:
    metrics = Metrics()
    log = CallLog(metrics, answered_share=1.0, with_requests=True)
    entrance = Entrance(CallGate(), metrics, log=log)
    call = Arrival(Protocol.GRPC, "Generate", "id", {})
    with caplog.at_level(logging.INFO), entrance.admit(call):
        note_model("g2p", 1)
        note_caller("somebody")
        note_stages(StageTimes(tokenize_s=0.1, queue_s=0.1, model_s=0.1))
        note_request("never mind")
    formatter = JsonFormatter()
    fields = set(re.findall(r'"(\w+)":', formatter.format(caplog.records[-1])))
    documented = set(re.findall(r"`(\w+)`", PAGE.partition("| field | |")[2].partition("\n\n")[0]))
    assert {"request_id", "duration_s", "caller", "model_s"} <= fields <= documented
