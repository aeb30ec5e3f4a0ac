"""TensorFlow Serving's own numbers, and the GPUs'."""

from __future__ import annotations

from typing import Final

from tools.dashboards.common import GPU_USE
from tools.dashboards.grafana import Dashboard, Row, panel
from tools.dashboards.promql import mean, percentiles, quantile, rate

_SERVING: Final = ":tensorflow:serving:"
_SESSION: Final = f"{_SERVING}batching_session:"

MODEL_SERVERS: Final = Dashboard(
    "heed-tf-serving",
    "Heed: TensorFlow Serving and GPUs",
    (
        Row(
            "Requests, as the model servers count them",
            (
                panel(
                    "Requests by status",
                    "Predict calls and calls over REST, by model and status.",
                    "reqps",
                    (
                        rate(f"{_SERVING}request_count", "model_name, status"),
                        "{{model_name}} {{status}}",
                    ),
                    stacked=True,
                ),
                panel(
                    "Latency of requests",
                    "Answered requests, their turn in the batch queue included.",
                    "µs",
                    *percentiles(f"{_SERVING}request_latency", "model_name"),
                ),
                panel(
                    "Time in the model",
                    "The run of the graph alone.",
                    "µs",
                    *percentiles(f"{_SERVING}runtime_latency", "model_name"),
                ),
                panel(
                    "Time beside the model",
                    "Mean of a request without the run of the graph: reading, waiting, writing.",
                    "µs",
                    (
                        f"{mean(f'{_SERVING}request_latency', 'model_name')} - "
                        f"{mean(f'{_SERVING}runtime_latency', 'model_name')}",
                        "{{model_name}}",
                    ),
                ),
                panel(
                    "Busy",
                    "Runs of the graph at the same time, on average, by model server.",
                    "none",
                    (
                        f"{rate(f'{_SERVING}runtime_latency_sum', 'instance')} / 1e6",
                        "{{instance}}",
                    ),
                ),
                panel(
                    "Warm-up",
                    "Recorded requests that were run before a version was offered, and their time.",
                    "none",
                    (
                        f"sum by (model_path) ({_SERVING}model_warmup_records_read)",
                        "records {{model_path}}",
                    ),
                    (
                        f"sum by (model_path) ({_SERVING}model_warmup_latency_sum) / 1e6",
                        "seconds {{model_path}}",
                    ),
                ),
            ),
        ),
        Row(
            "TensorFlow Serving's own batching (where it is on)",
            (
                panel(
                    "Time in its queue",
                    "Of a task, until its batch runs.",
                    "µs",
                    *percentiles(f"{_SESSION}queuing_latency"),
                ),
                panel(
                    "Rows",
                    "Rows of a task as it came, and of a batch as it ran.",
                    "none",
                    (quantile(0.5, f"{_SESSION}input_batch_size"), "p50 of a task"),
                    (quantile(0.5, f"{_SESSION}processed_batch_size"), "p50 of a batch"),
                ),
                panel(
                    "Filled up",
                    "Rows added to reach an allowed size, a second; and batches that ran.",
                    "ops",
                    (f"sum(rate({_SESSION}padding_size_sum[$__rate_interval]))", "rows of padding"),
                    (f"sum(rate({_SESSION}wrapped_run_count[$__rate_interval]))", "batches"),
                ),
            ),
        ),
        Row(
            "GPUs, as dcgm-exporter says",
            (
                GPU_USE,
                panel(
                    "Memory",
                    "TensorFlow takes nearly all of it at its start, unless it is told otherwise.",
                    "percentunit",
                    (
                        "DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE)",
                        "{{instance}} GPU {{gpu}}",
                    ),
                ),
                panel(
                    "Power",
                    "A GPU that is busy and draws little waits for memory or for its callers.",
                    "watt",
                    ("DCGM_FI_DEV_POWER_USAGE", "{{instance}} GPU {{gpu}}"),
                ),
                panel(
                    "Temperature",
                    "From 85 degrees on it slows down.",
                    "celsius",
                    ("DCGM_FI_DEV_GPU_TEMP", "{{instance}} GPU {{gpu}}"),
                    thresholds=(80.0, 85.0),
                ),
            ),
        ),
    ),
)
