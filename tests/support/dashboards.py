"""What the dashboards and the rules ask Prometheus."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES_PATH = DEPLOY / "prometheus/rules.yml"
SELECTOR = re.compile(
    r"(?<![\w:])(?:heed[_:]|process_|DCGM_|:tensorflow:|up\b|ALERTS\b)[\w:]*(?:\{[^}]*\})?"
)


@dataclass(frozen=True)
class Question:
    """A query, where it stands, and the unit that its panel shows."""

    place: str
    expression: str
    unit: str


def dashboards() -> dict[str, dict[str, Any]]:
    """The provisioned dashboards by the names of their files."""
    paths = sorted((DEPLOY / "grafana/dashboards").glob("*.json"))
    return {path.name: json.loads(path.read_text()) for path in paths}


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """A dashboard's panels without its headings."""
    return [each for each in dashboard["panels"] if each["type"] != "row"]


def panel_questions() -> Iterator[Question]:
    """Every query of every panel, as Grafana would send it for all models."""
    for name, dashboard in dashboards().items():
        for panel in panels(dashboard):
            for target in panel["targets"]:
                place = f"{name}: {panel['title']}"
                unit = panel["fieldConfig"]["defaults"]["unit"]
                yield Question(place, filled_in(target["expr"]), unit)


def filled_in(expression: str, *, interval: str = "20s") -> str:
    """A query with values for Grafana's variables."""
    return expression.replace("$__rate_interval", interval).replace("$model", ".*")


def rules() -> list[dict[str, Any]]:
    """Recording rules and alerts."""
    groups = yaml.safe_load(RULES_PATH.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """The alerts by their names."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def selectors(expression: str) -> list[str]:
    """The series that an expression names, with what stands in braces behind them."""
    return SELECTOR.findall(expression)
