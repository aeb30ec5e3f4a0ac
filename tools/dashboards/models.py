"""Models, model servers as the gateways see them, and the cache."""

from __future__ import annotations

from typing import Final

from tools.dashboards.common import VERSIONS
from tools.dashboards.grafana import Dashboard, Row, panel
from tools.dashboards.promql import OF_MODEL, hourly, rate

MODELS: Final = Dashboard(
    "heed-models",
    "Heed: models and model servers",
    (
        Row(
            "Versions",
            (
                VERSIONS,
                panel(
                    "Ready",
                    "1 while a gateway can answer for the model.",
                    "none",
                    (f"heed_model_ready{{{OF_MODEL}}}", "{{model}} at {{instance}}"),
                ),
                panel(
                    "Versions that are ready",
                    "Two while a new one replaces the last.",
                    "none",
                    (f"heed_model_ready_versions{{{OF_MODEL}}}", "{{model}} at {{instance}}"),
                ),
                panel(
                    "Versions loaded and refused",
                    "In the last hour; a version is refused because it breaks its contract.",
                    "none",
                    (
                        hourly("heed_model_versions_loaded_total"),
                        "loaded {{model}}",
                    ),
                    (
                        hourly("heed_model_versions_refused_total"),
                        "refused {{model}}",
                    ),
                ),
            ),
        ),
        Row(
            "Model servers as the gateways see them",
            (
                panel(
                    "In good standing",
                    "1 while some gateway sends calls there.",
                    "none",
                    ("max by (replica) (heed_replica_healthy)", "{{replica}}"),
                ),
                panel(
                    "Outstanding tokens",
                    "Padded tokens sent and not answered; the next batch goes to the fewest.",
                    "short",
                    ("sum by (replica) (heed_replica_outstanding_tokens)", "{{replica}}"),
                ),
                panel(
                    "Calls by model server",
                    "Predict calls, answered and failed.",
                    "reqps",
                    (
                        rate("heed_replica_calls_total", "replica, outcome"),
                        "{{replica}} {{outcome}}",
                    ),
                ),
                panel(
                    "Taken out",
                    "How often a model server lost its calls because they failed or were slow.",
                    "none",
                    (
                        "sum by (replica) (increase(heed_replica_ejections_total[5m]))",
                        "{{replica}}",
                    ),
                ),
                panel(
                    "Repeated elsewhere",
                    "Failed batches that went to another model server; refused: the budget of "
                    "repetitions was spent.",
                    "ops",
                    (rate("heed_replica_retries_total", "outcome"), "{{outcome}}"),
                ),
                panel(
                    "Sent twice",
                    "Slow batches that went to a second model server, by the one that won.",
                    "ops",
                    (rate("heed_replica_hedges_total", "winner"), "{{winner}}"),
                ),
            ),
        ),
        Row(
            "Cache of answers",
            (
                panel(
                    "Lookups",
                    "Shared: the answer of a like request under way. All 0 without --cache-bytes.",
                    "ops",
                    (rate("heed_cache_lookups_total", "result"), "{{result}}"),
                    stacked=True,
                ),
                panel(
                    "Size",
                    "What the kept answers take, by gateway.",
                    "bytes",
                    ("heed_cache_bytes", "{{instance}}"),
                ),
                panel(
                    "Answers",
                    "Kept answers, and how many were removed a minute.",
                    "none",
                    ("sum(heed_cache_entries)", "kept"),
                    (
                        "60 * sum(rate(heed_cache_evictions_total[$__rate_interval]))",
                        "removed a minute",
                    ),
                ),
            ),
        ),
    ),
)
