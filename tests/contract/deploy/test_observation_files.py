"""Prometheus' rules and Grafana's dashboards: whole, and made for what the gateway measures."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml

from service import errors
from service.api.error_table import STATUS_CODES
from service.metrics import Metrics
from tests.support.dashboards import (
    DEPLOY,
    alerts,
    dashboards,
    panel_questions,
    panels,
    rules,
    selectors,
)
from tests.support.prometheus import prometheus_program
from tools.dashboards.grafana import COLUMNS, DATA_SOURCE

ROOT = Path(__file__).parents[3]
OPERATIONS = ROOT / "docs/operations.md"
TITLES = [
    (name, panel["title"], panel) for name, one in dashboards().items() for panel in panels(one)
]

OVERLOADED = {"QUEUE_FULL", "DEADLINE_OUT_OF_REACH", "MODEL_SERVER_BUSY"}
OWN_FAULT_CODES = {
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.FAILED_PRECONDITION,
}


def promtool(*arguments: str) -> None:
    command = [str(prometheus_program("promtool")), *arguments]
    result = subprocess.run(command, cwd=DEPLOY / "prometheus", capture_output=True, text=True)  # noqa: PLW1510
    assert result.returncode == 0, result.stdout + result.stderr


def test_promtool_takes_the_configuration_and_the_rules() -> None:
    promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", "--lint=all", "--lint-fatal", "rules.yml")


def test_rules_say_what_their_tests_expect() -> None:
    promtool("test", "rules", "rules_test.yml")


def test_every_alert_is_seen_to_fire_and_to_stay_silent() -> None:
    tests = yaml.safe_load((DEPLOY / "prometheus/rules_test.yml").read_text())["tests"]
    cases = [case for test in tests for case in test.get("alert_rule_test", ())]
    firing = {case["alertname"] for case in cases if case.get("exp_alerts")}
    silent = {case["alertname"] for case in cases if not case.get("exp_alerts")}
    assert firing == set(alerts())
    assert silent == set(alerts())


@pytest.mark.parametrize("name", alerts())
def test_an_alert_leads_to_its_runbook(name: str) -> None:
    page, _, anchor = alerts()[name]["annotations"]["runbook_url"].partition("#")
    assert (ROOT / page) == OPERATIONS
    assert anchor == name.lower()
    body = OPERATIONS.read_text().partition(f"### {name}\n")[2].partition("\n#")[0]
    for part in ("**Means.**", "**Look.**", "**Do.**"):
        assert part in body, f"{name} lacks {part}"


def test_every_runbook_belongs_to_an_alert() -> None:
    assert set(re.findall(r"^### (Heed\w+)$", OPERATIONS.read_text(), re.MULTILINE)) == set(
        alerts()
    )


def pattern_of(record: str) -> tuple[re.Pattern[str], set[str]]:
    """Which reasons a recording rule counts."""
    (rule,) = [each for each in rules() if each.get("record") == record]
    without = set(re.findall(r'reason!="(\w+)"', rule["expr"]))
    return re.compile(re.search(r'reason=~"([^"]+)"', rule["expr"])[1]), without  # type: ignore[index]


@pytest.mark.parametrize("window", ["5m", "30m", "1h", "6h"])
def test_faults_are_the_failures_that_callers_cannot_help(window: str) -> None:
    pattern, without = pattern_of(f"heed:faults:ratio_rate{window}")
    for error in errors.leaf_errors():
        is_fault = status_code(error) in OWN_FAULT_CODES or error.reason in OVERLOADED
        counted = bool(pattern.fullmatch(error.reason)) and error.reason not in without
        assert counted == is_fault, error.reason
    assert pattern.fullmatch("INTERNAL")


def test_refusals_are_those_for_want_of_capacity() -> None:
    pattern, _ = pattern_of("heed:refused:ratio_rate5m")
    counted = {e.reason for e in errors.leaf_errors() if pattern.fullmatch(e.reason)}
    assert counted == OVERLOADED


def status_code(error: type[errors.ServiceError]) -> grpc.StatusCode:
    return next(STATUS_CODES[kind] for kind in error.__mro__ if kind in STATUS_CODES)


def test_dashboards_are_what_their_descriptions_give() -> None:
    command = [sys.executable, "-m", "tools.dashboards", "--check"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(("name", "title", "panel"), TITLES)
def test_a_panel_can_be_read_without_asking(name: str, title: str, panel: dict[str, Any]) -> None:
    assert title
    assert panel["description"].endswith("."), (name, title)
    assert panel["fieldConfig"]["defaults"]["unit"], (name, title)
    assert panel["datasource"] == DATA_SOURCE
    letters = [target["refId"] for target in panel["targets"]]
    assert letters
    assert len(set(letters)) == len(letters)
    for target in panel["targets"]:
        assert target["datasource"] == DATA_SOURCE
        assert target["legendFormat"]


def places(dashboard: dict[str, Any]) -> Iterator[tuple[int, int, int, int]]:
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        yield place["x"], place["y"], place["x"] + place["w"], place["y"] + place["h"]


@pytest.mark.parametrize("name", dashboards())
def test_no_panel_covers_another_one(name: str) -> None:
    dashboard = dashboards()[name]
    assert f"{dashboard['uid']}.json" == name
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    for left, _, right, _ in places(dashboard):
        assert 0 <= left < right <= COLUMNS
    for (l1, t1, r1, b1), (l2, t2, r2, b2) in combinations(places(dashboard), 2):
        assert r1 <= l2 or r2 <= l1 or b1 <= t2 or b2 <= t1


def test_the_data_source_that_dashboards_name_is_provisioned() -> None:
    text = (DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text()
    (source,) = yaml.safe_load(text)["datasources"]
    assert {key: source[key] for key in DATA_SOURCE} == DATA_SOURCE


def test_every_metric_of_the_gateway_is_shown_or_watched() -> None:
    asked = " ".join(
        [*(one.expression for one in panel_questions()), *(rule["expr"] for rule in rules())]
    )
    named = {selector.partition("{")[0] for selector in selectors(asked)}
    bare = {re.sub(r"_(bucket|sum|count)$", "", name) for name in named} | named
    missing = {metric.name for metric in Metrics().described} - bare
    assert not missing


def test_every_metric_that_is_asked_for_exists() -> None:
    kinds = {metric.name: metric.kind for metric in Metrics().described}
    known = set(kinds)
    for name, kind in kinds.items():
        if kind == "histogram":
            known |= {f"{name}_{suffix}" for suffix in ("bucket", "sum", "count")}
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    for question in [*panel_questions()]:
        for selector in selectors(question.expression):
            name = selector.partition("{")[0]
            if name.startswith("heed_"):
                assert name in known, question
            elif name.startswith("heed:"):
                assert name in recorded, question
