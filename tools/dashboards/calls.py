"""Calls: how many, how they end, how long they take."""

from __future__ import annotations

from typing import Final

from tools.dashboards.common import ERRORS_BY_REASON, LATENCY, REQUESTS_BY_CODE, WHERE_TIME_GOES
from tools.dashboards.grafana import Dashboard, Kind, Row, panel
from tools.dashboards.promql import DURATION, OF_MODEL, STAGE, percentiles, quantile, rate

CALLS: Final = Dashboard(
    "heed-calls",
    "Heed: calls",
    (
        Row(
            "How many, and how they end",
            (
                panel(
                    "Calls by method",
                    "Calls that ended, by method and protocol.",
                    "reqps",
                    (rate("heed_requests_total", "method, protocol"), "{{method}} {{protocol}}"),
                    stacked=True,
                ),
                REQUESTS_BY_CODE,
                ERRORS_BY_REASON,
                panel(
                    "Calls by model",
                    "Calls that ended, by the model that answered; calls that failed before "
                    "it was clear which one have none.",
                    "reqps",
                    (rate("heed_requests_total", "model", OF_MODEL), "{{model}}"),
                    stacked=True,
                ),
                panel(
                    "Calls inside",
                    "Calls that the gateways work on, by protocol.",
                    "none",
                    ("sum by (protocol) (heed_requests_in_progress)", "{{protocol}}"),
                    stacked=True,
                ),
                panel(
                    "Faults of the service",
                    "Share of calls that failed by no fault of their callers, over four windows; "
                    "alerts compare them with the objective of 0.1 %.",
                    "percentunit",
                    ("heed:faults:ratio_rate5m", "5 min"),
                    ("heed:faults:ratio_rate30m", "30 min"),
                    ("heed:faults:ratio_rate1h", "1 h"),
                    ("heed:faults:ratio_rate6h", "6 h"),
                    thresholds=(0.001,),
                ),
                panel(
                    "Refused for want of capacity",
                    "Share of calls refused because too much waits, or the answer would be late.",
                    "percentunit",
                    ("heed:refused:ratio_rate5m", "refused"),
                    thresholds=(0.01,),
                ),
            ),
        ),
        Row(
            "How long they take",
            (
                panel(
                    "Latency by method",
                    "The 99th percentile of each method.",
                    "s",
                    (quantile(0.99, DURATION, "method"), "{{method}}"),
                    thresholds=(1.0,),
                ),
                LATENCY,
                panel(
                    "Latency, all calls",
                    "How many calls took how long: darker is more.",
                    "s",
                    (
                        f"sum by (le) (increase({DURATION}_bucket{{{OF_MODEL}}}"
                        "[$__rate_interval]))",
                        "{{le}}",
                    ),
                    kind=Kind.HEATMAP,
                ),
                WHERE_TIME_GOES,
                panel(
                    "Stages, median",
                    "Half of the answered calls spend less in a stage.",
                    "s",
                    (quantile(0.5, STAGE, "stage", OF_MODEL), "{{stage}}"),
                ),
                panel(
                    "Stages, 99th percentile",
                    "One in a hundred answered calls spends more in a stage.",
                    "s",
                    (quantile(0.99, STAGE, "stage", OF_MODEL), "{{stage}}"),
                ),
            ),
        ),
        Row(
            "Streams",
            (
                panel(
                    "Open streams",
                    "Streaming calls inside the gateways.",
                    "none",
                    ("sum by (method) (heed_streams_open)", "{{method}}"),
                ),
                panel(
                    "First part of an answer",
                    "From the arrival of a streaming call to its first chunk.",
                    "s",
                    *percentiles("heed_stream_first_chunk_seconds", "method"),
                ),
            ),
        ),
    ),
)
