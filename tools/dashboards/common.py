"""Panels that stand on more than one page."""

from __future__ import annotations

from typing import Final

from tools.dashboards.grafana import Kind, Panel, panel
from tools.dashboards.promql import DURATION, OF_MODEL, STAGE, mean, percentiles, rate

REQUESTS_BY_CODE: Final = panel(
    "Calls by outcome",
    "Calls that ended, by gRPC status code.",
    "reqps",
    (rate("heed_requests_total", "code"), "{{code}}"),
    stacked=True,
)
ERRORS_BY_REASON: Final = panel(
    "Failures by reason",
    "By the reason that callers see (docs/errors.md). CANCELLED: the caller left.",
    "reqps",
    (rate("heed_errors_total", "reason"), "{{reason}}"),
    stacked=True,
)
LATENCY: Final = panel(
    "Latency",
    "What half, 95 and 99 of 100 calls keep, from their arrival to their end.",
    "s",
    *percentiles(DURATION, labels=OF_MODEL),
    thresholds=(1.0,),
)
WHERE_TIME_GOES: Final = panel(
    "Where the time goes",
    "The mean time of each stage of answered calls; together the mean latency of calls.",
    "s",
    (mean(STAGE, "stage", OF_MODEL), "{{stage}}"),
    stacked=True,
)
QUEUE: Final = panel(
    "Queue",
    "Tokens that wait, by gateway, and the most that may. Beyond it calls are refused.",
    "short",
    ("heed_queue_tokens", "{{instance}}"),
    ("max(heed_queue_limit_tokens)", "limit of each"),
)
FILL_AND_PADDING: Final = panel(
    "Fill and padding of batches",
    "Fill: padded tokens as a share of the most a batch may hold. Padding: wasted share of them.",
    "percentunit",
    (mean("heed_batch_fill_ratio", "model", OF_MODEL), "fill {{model}}"),
    (
        f"{rate('heed_batched_padding_tokens_total', 'model', OF_MODEL)} / "
        f"({rate('heed_batched_padding_tokens_total', 'model', OF_MODEL)} + "
        f"{rate('heed_batched_tokens_total', 'model', OF_MODEL)})",
        "padding {{model}}",
    ),
)
VERSIONS: Final = panel(
    "Newest version",
    "The newest version that answers, by model and gateway; a step is a roll-out.",
    "none",
    (f"heed_model_newest_version{{{OF_MODEL}}}", "{{model}} at {{instance}}"),
)
GPU_USE: Final = panel(
    "GPU",
    "Share of time in which the GPU works at something, as dcgm-exporter says.",
    "percent",
    ("DCGM_FI_DEV_GPU_UTIL", "{{instance}} GPU {{gpu}}"),
)


def number(title: str, description: str, unit: str, query: str, *thresholds: float) -> Panel:
    """A single number, orange and red from the thresholds on."""
    how = {"kind": Kind.NUMBER, "width": 4, "thresholds": thresholds}
    return panel(title, description, unit, (query, ""), **how)
