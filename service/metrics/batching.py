"""Metrics of the queue and of batches."""

from __future__ import annotations

from service.metrics.families import (
    DURATION_BOUNDS_S,
    RATIO_BOUNDS,
    ROW_BOUNDS,
    TOKEN_BOUNDS,
    Families,
)


class BatchingMetrics:
    """Measures rows that wait, and batches that travel.

    Args:
        families: Makes the metrics.
    """

    def __init__(self, families: Families) -> None:
        self._queue_tokens = families.gauge(
            "queue_tokens", "Tokens that wait in the queue.", across="livesum"
        )
        self._queue_rows = families.gauge(
            "queue_rows", "Rows that wait in the queue.", across="livesum"
        )
        self._queue_limit = families.gauge(
            "queue_limit_tokens", "The most tokens that may wait.", across="livesum"
        )
        self._dropped = families.counter(
            "dropped_rows",
            "Rows taken out of the queue unanswered: cancelled, or past their deadline.",
            ("reason",),
            known=(("cancelled",), ("deadline",)),
        )
        self._rows = families.histogram(
            "batch_rows", "Rows in a batch.", ("model",), bounds=ROW_BOUNDS
        )
        self._tokens = families.histogram(
            "batch_tokens",
            "Padded tokens in a batch (rows x longest).",
            ("model",),
            bounds=TOKEN_BOUNDS,
        )
        self._fill = families.histogram(
            "batch_fill_ratio",
            "Padded tokens of a batch as a share of the most it may hold.",
            ("model",),
            bounds=RATIO_BOUNDS,
        )
        self._padding = families.histogram(
            "batch_padding_ratio",
            "Padding as a share of a batch's padded tokens.",
            ("model",),
            bounds=RATIO_BOUNDS,
        )
        self._real_tokens = families.counter(
            "batched_tokens", "Tokens sent in batches, without padding.", ("model",)
        )
        self._padding_tokens = families.counter(
            "batched_padding_tokens", "Padding sent in batches, in tokens.", ("model",)
        )
        self._duration = families.histogram(
            "batch_duration_seconds",
            "From sending a batch to its answer, in seconds.",
            ("model", "outcome"),
            bounds=DURATION_BOUNDS_S,
        )
        self._in_flight = families.gauge(
            "batches_in_flight", "Batches in the model servers.", across="livesum"
        )
        self._in_flight_limit = families.gauge(
            "batches_in_flight_limit",
            "The most batches that may be in the model servers.",
            across="livesum",
        )

    def queue(self, *, tokens: int, rows: int) -> None:
        """What waits now."""
        self._queue_tokens.set(tokens)
        self._queue_rows.set(rows)

    def queue_limit(self, tokens: int) -> None:
        """The most tokens that may wait."""
        self._queue_limit.set(tokens)

    def dropped(self, reason: str, rows: int = 1) -> None:
        """Rows left the queue unanswered: "cancelled" or "deadline"."""
        self._dropped.labels(reason).inc(rows)

    def batch_sent(
        self, *, model: str, rows: int, tokens: int, padded_tokens: int, max_tokens: int
    ) -> None:
        """A batch left for a model server.

        Args:
            model: The model's name.
            rows: Its rows.
            tokens: Their tokens, without padding.
            padded_tokens: Rows x longest, at least `tokens` and 1.
            max_tokens: The most padded tokens that a batch may hold.
        """
        self._rows.labels(model).observe(rows)
        self._tokens.labels(model).observe(padded_tokens)
        self._fill.labels(model).observe(min(1.0, padded_tokens / max_tokens))
        self._padding.labels(model).observe(1.0 - tokens / padded_tokens)
        self._real_tokens.labels(model).inc(tokens)
        self._padding_tokens.labels(model).inc(padded_tokens - tokens)

    def batch_ended(self, *, model: str, seconds: float, is_ok: bool) -> None:
        """A batch came back, answered or failed."""
        self._duration.labels(model, "ok" if is_ok else "failed").observe(seconds)

    def in_flight(self, batches: int, *, limit: int) -> None:
        """How many batches are in the model servers now, and how many may be."""
        self._in_flight.set(batches)
        self._in_flight_limit.set(limit)
