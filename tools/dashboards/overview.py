"""The first page: is all well?"""

from __future__ import annotations

from typing import Final

from tools.dashboards.common import (
    ERRORS_BY_REASON,
    FILL_AND_PADDING,
    GPU_USE,
    LATENCY,
    QUEUE,
    REQUESTS_BY_CODE,
    VERSIONS,
    WHERE_TIME_GOES,
    number,
)
from tools.dashboards.grafana import Dashboard, Row, panel

FAULTS: Final = "heed:faults:ratio_rate5m"

OVERVIEW: Final = Dashboard(
    "heed-overview",
    "Heed: overview",
    (
        Row(
            "Now",
            (
                number(
                    "Calls a second",
                    "All calls that ended in the last five minutes.",
                    "reqps",
                    "sum(rate(heed_requests_total[5m]))",
                ),
                number(
                    "Faults",
                    "Calls that failed by no fault of their callers; the objective is 0.1 %.",
                    "percentunit",
                    FAULTS,
                    *(0.001, 0.0144),
                ),
                number(
                    "99 % within",
                    "The slowest model's 99th percentile; the objective is one second.",
                    "s",
                    "max(heed:request_duration_seconds:p99_5m)",
                    *(0.8, 1.0),
                ),
                number(
                    "Fullest queue",
                    "Tokens that wait as a share of the most that may.",
                    "percentunit",
                    "max(heed_queue_tokens / heed_queue_limit_tokens)",
                    *(0.25, 0.5),
                ),
                number(
                    "Model servers",
                    "Model servers that some gateway sends calls to.",
                    "none",
                    "sum(max by (replica) (heed_replica_healthy))",
                ),
                number(
                    "Alerts",
                    "Alerts that are firing (docs/operations.md).",
                    "none",
                    'count(ALERTS{alertname=~"Heed.*",alertstate="firing"}) or vector(0)',
                    *(1.0, 2.0),
                ),
            ),
        ),
        Row("Calls", (REQUESTS_BY_CODE, ERRORS_BY_REASON, LATENCY)),
        Row("Work", (WHERE_TIME_GOES, QUEUE, FILL_AND_PADDING)),
        Row(
            "Models",
            (
                VERSIONS,
                panel(
                    "Batches in the model servers",
                    "By gateway, and the most that may be there.",
                    "none",
                    ("heed_batches_in_flight", "{{instance}}"),
                    ("max(heed_batches_in_flight_limit)", "limit of each"),
                ),
                GPU_USE,
            ),
        ),
    ),
)
