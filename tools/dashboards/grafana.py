"""Dashboards as plain values, and as the JSON that Grafana provisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import Any, Final

DATA_SOURCE: Final = {"type": "prometheus", "uid": "heed-prometheus"}
"""As deploy/grafana/provisioning/datasources names it."""

COLUMNS: Final = 24
SCHEMA_VERSION: Final = 39  # of Grafana 11, which newer ones read too


class Kind(StrEnum):
    """How a panel shows its numbers."""

    LINES = "timeseries"
    NUMBER = "stat"
    HEATMAP = "heatmap"


_BLUES: Final = {
    "mode": "scheme",
    "scheme": "Blues",
    "scale": "exponential",
    "exponent": 0.5,
    "fill": "dark-blue",
    "reverse": False,
    "steps": 64,
}

HEIGHTS: Final = {Kind.LINES: 8, Kind.NUMBER: 4, Kind.HEATMAP: 8}


@dataclass(frozen=True, slots=True)
class Query:
    """A question to Prometheus.

    Attributes:
        expression: In PromQL; `$model` and `$__rate_interval` stand for what Grafana puts there.
        legend: Names each series, with labels as {{label}}.
    """

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture of a dashboard.

    Attributes:
        title: What it shows.
        description: How to read it, for whoever sees it for the first time.
        unit: Grafana's name of the unit, such as "s" or "percentunit".
        queries: What is drawn.
        kind: How.
        width: In columns of 24.
        stacked: Whether series stand on each other.
        thresholds: Values from which it turns orange and red; none if empty.
    """

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    kind: Kind = Kind.LINES
    width: int = 8
    stacked: bool = False
    thresholds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of Grafana.

    Attributes:
        uid: Its name in addresses; also that of its file.
        title: What people see.
        rows: Its panels.
    """

    uid: str
    title: str
    rows: tuple[Row, ...]


def panel(title: str, description: str, unit: str, *queries: tuple[str, str], **how: Any) -> Panel:
    """A panel from pairs of expression and legend."""
    return Panel(title, description, unit, tuple(Query(*query) for query in queries), **how)


def dashboard_json(dashboard: Dashboard) -> dict[str, Any]:
    """A dashboard in Grafana's form."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["heed"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-30m", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_model_variable()]},
        "annotations": {"list": [_alerts_annotation()]},
        "links": [_links()],
        "panels": list(_panels(dashboard.rows)),
    }


def _model_variable() -> dict[str, Any]:
    return {
        "name": "model",
        "label": "Model",
        "type": "query",
        "datasource": DATA_SOURCE,
        "query": {"query": "label_values(heed_model_ready, model)", "refId": "models"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }


def _alerts_annotation() -> dict[str, Any]:
    return {
        "name": "Alerts",
        "datasource": DATA_SOURCE,
        "enable": True,
        "iconColor": "red",
        "target": {
            "refId": "alerts",
            "expr": 'ALERTS{alertname=~"Heed.*",alertstate="firing"}',
            "legendFormat": "{{alertname}}",
        },
    }


def _links() -> dict[str, Any]:
    return {
        "title": "Heed",
        "type": "dashboards",
        "icon": "external link",
        "tooltip": "",
        "targetBlank": False,
        "tags": ["heed"],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
    }


def _panels(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Rows and panels from left to right and from top to bottom."""
    ids, top = count(1), 0
    for row in rows:
        yield {
            "id": next(ids),
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
        }
        top += 1
        left = height = 0
        for one in row.panels:
            if left + one.width > COLUMNS:
                left, top, height = 0, top + height, 0
            place = {"x": left, "y": top, "w": one.width, "h": HEIGHTS[one.kind]}
            yield {"id": next(ids), "gridPos": place, **_panel(one)}
            left, height = left + one.width, max(height, place["h"])
        top += height


def _panel(one: Panel) -> dict[str, Any]:
    return {
        "type": one.kind.value,
        "title": one.title,
        "description": one.description,
        "datasource": DATA_SOURCE,
        "targets": [
            _target(query, letter, one.kind)
            for query, letter in zip(one.queries, "ABCDEFGH", strict=False)
        ],
        "fieldConfig": {"defaults": _defaults(one), "overrides": []},
        "options": _options(one.kind),
    }


def _target(query: Query, letter: str, kind: Kind) -> dict[str, Any]:
    return {
        "refId": letter,
        "datasource": DATA_SOURCE,
        "expr": query.expression,
        "legendFormat": query.legend or "__auto",
        "editorMode": "code",
        "range": True,
        "instant": False,
        "format": "heatmap" if kind is Kind.HEATMAP else "time_series",
    }


def _defaults(one: Panel) -> dict[str, Any]:
    colours = ("green", "orange", "red")
    values = (None, *one.thresholds)
    steps = [{"color": colour, "value": at} for colour, at in zip(colours, values, strict=False)]
    defaults: dict[str, Any] = {
        "unit": one.unit,
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if one.kind is Kind.LINES:
        defaults["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 25 if one.stacked else 8,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if one.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if one.thresholds else "off"},
        }
    return defaults


def _options(kind: Kind) -> dict[str, Any]:
    """Everything that Grafana's types of a panel's options ask for."""
    match kind:
        case Kind.NUMBER:
            return {
                "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
                "orientation": "auto",
                "colorMode": "value",
                "graphMode": "area",
                "justifyMode": "auto",
                "textMode": "value",
                "wideLayout": True,
                "showPercentChange": False,
                "percentChangeColorMode": "standard",
            }
        case Kind.HEATMAP:
            return {
                "calculate": False,
                "cellGap": 1,
                "color": _BLUES,
                "exemplars": {"color": "rgba(255,0,255,0.7)"},
                "filterValues": {"le": 1e-9},
                "legend": {"show": True},
                "rowsFrame": {"layout": "auto"},
                "showValue": "never",
                "tooltip": {"mode": "single", "showColorScale": True, "yHistogram": False},
                "yAxis": {"axisPlacement": "left", "reverse": False, "unit": "s"},
            }
        case Kind.LINES:
            return {
                "legend": {
                    "showLegend": True,
                    "displayMode": "table",
                    "placement": "bottom",
                    "calcs": ["lastNotNull", "max"],
                },
                "tooltip": {"mode": "multi", "sort": "desc"},
            }
