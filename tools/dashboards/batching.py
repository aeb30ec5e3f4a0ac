"""The queue and the batches."""

from __future__ import annotations

from typing import Final

from tools.dashboards.common import FILL_AND_PADDING, QUEUE
from tools.dashboards.grafana import Dashboard, Row, panel
from tools.dashboards.promql import OF_MODEL, STAGE, mean, percentiles, quantile, rate

BATCHING: Final = Dashboard(
    "heed-batching",
    "Heed: queue and batches",
    (
        Row(
            "What waits",
            (
                QUEUE,
                panel(
                    "Rows that wait",
                    "A row is one text; by gateway.",
                    "none",
                    ("heed_queue_rows", "{{instance}}"),
                ),
                panel(
                    "Time in the queue",
                    "What half, 95 and 99 of 100 answered calls keep.",
                    "s",
                    *percentiles(STAGE, labels=f'stage="queue",{OF_MODEL}'),
                ),
                panel(
                    "Dropped rows",
                    "Rows taken out unanswered: their callers left, or their deadline came.",
                    "rps",
                    (rate("heed_dropped_rows_total", "reason"), "{{reason}}"),
                ),
                panel(
                    "Queue and model servers together",
                    "Tokens that wait, and padded tokens in the model servers; what the number of "
                    "model servers follows on Kubernetes (docs/scaling.md).",
                    "short",
                    ("heed:queue_tokens:sum", "waiting"),
                    ("heed:outstanding_tokens:sum", "in the model servers"),
                    stacked=True,
                ),
            ),
        ),
        Row(
            "What travels",
            (
                panel(
                    "Batches",
                    "Batches sent, by model.",
                    "ops",
                    (rate("heed_batch_rows_count", "model", OF_MODEL), "{{model}}"),
                ),
                panel(
                    "Rows of a batch",
                    "Mean and 95th percentile.",
                    "none",
                    (mean("heed_batch_rows", "model", OF_MODEL), "mean {{model}}"),
                    (quantile(0.95, "heed_batch_rows", "model", OF_MODEL), "p95 {{model}}"),
                ),
                panel(
                    "Padded tokens of a batch",
                    "Mean and 95th percentile of rows x longest.",
                    "short",
                    (mean("heed_batch_tokens", "model", OF_MODEL), "mean {{model}}"),
                    (quantile(0.95, "heed_batch_tokens", "model", OF_MODEL), "p95 {{model}}"),
                ),
                FILL_AND_PADDING,
                panel(
                    "Padding by batch",
                    "Half and 95 of 100 batches have less.",
                    "percentunit",
                    (quantile(0.5, "heed_batch_padding_ratio", labels=OF_MODEL), "p50"),
                    (quantile(0.95, "heed_batch_padding_ratio", labels=OF_MODEL), "p95"),
                ),
                panel(
                    "Tokens a second",
                    "Tokens sent to the model servers, and the padding between them.",
                    "short",
                    (rate("heed_batched_tokens_total", "model", OF_MODEL), "tokens {{model}}"),
                    (
                        rate("heed_batched_padding_tokens_total", "model", OF_MODEL),
                        "padding {{model}}",
                    ),
                    stacked=True,
                ),
            ),
        ),
        Row(
            "What comes back",
            (
                panel(
                    "Time of a batch",
                    "From sending a batch to its answer.",
                    "s",
                    *percentiles("heed_batch_duration_seconds", "model", OF_MODEL),
                ),
                panel(
                    "Batches by outcome",
                    "Batches that came back, answered or failed.",
                    "ops",
                    (
                        rate("heed_batch_duration_seconds_count", "outcome", OF_MODEL),
                        "{{outcome}}",
                    ),
                ),
                panel(
                    "Batches in flight",
                    "In the model servers now, by gateway; at the limit they are what bounds.",
                    "none",
                    ("heed_batches_in_flight", "{{instance}}"),
                    ("heed_batches_in_flight_limit", "limit {{instance}}"),
                ),
            ),
        ),
    ),
)
