"""The rules that rows wait and travel by."""

from __future__ import annotations

from dataclasses import dataclass

from service.batching.policy import BatchLimits
from service.settings.batching import BatchingSettings


@dataclass(frozen=True, slots=True)
class SchedulingRules:
    """How rows wait and travel.

    Attributes:
        limits: How large a batch may be.
        max_queue_tokens: The most tokens that may wait.
        bulk_queue_share: The share of them that bulk rows find room in, 0 to 1.
        bulk_delay_s: How much longer than an interactive row a bulk row may have to wait.
        max_in_flight: The most batches in one model server at once.
        max_wait_s: The longest wait for more rows while the model server has room.
    """

    limits: BatchLimits
    max_queue_tokens: int = 65_536
    bulk_queue_share: float = 0.5
    bulk_delay_s: float = 2.0
    max_in_flight: int = 4
    max_wait_s: float = 0.002


def scheduling_rules(settings: BatchingSettings) -> SchedulingRules:
    """The rules that the settings give."""
    return SchedulingRules(
        BatchLimits(
            max_tokens=settings.max_batch_tokens,
            max_rows=settings.max_batch_rows,
            max_padding=settings.max_batch_padding,
        ),
        max_queue_tokens=settings.max_queue_tokens,
        bulk_queue_share=settings.max_bulk_queue_share,
        bulk_delay_s=settings.max_bulk_delay_s,
        max_in_flight=settings.max_batches_in_flight,
        max_wait_s=settings.max_batch_wait_ms / 1000,
    )
