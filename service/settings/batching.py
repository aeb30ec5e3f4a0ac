"""How rows wait, and how they travel together."""

from __future__ import annotations

from pydantic import Field

from service.settings.base import SettingsGroup


class BatchingSettings(SettingsGroup):
    """How rows wait, and how they travel together."""

    max_queue_tokens: int = Field(
        default=65_536,
        ge=1,
        description="The most tokens that may wait; calls beyond are refused at once.",
    )
    max_batch_tokens: int = Field(
        default=4096,
        ge=1,
        description="The most padded tokens (rows x longest) in a batch; a longer row goes alone.",
    )
    max_batch_rows: int = Field(default=128, ge=1, description="The most rows in one batch.")
    max_batch_padding: float = Field(
        default=0.5,
        ge=0.0,
        lt=1.0,
        description="The largest share of padding when a batch is filled with other lengths; as "
        "soon as the cost of batches is known, only lengths that gain by it share one.",
    )
    max_batches_in_flight: int = Field(
        default=4,
        ge=1,
        description="The most batches in one model server at once; the gateway measures how many "
        "it has use for, and keeps to that.",
    )
    max_batch_wait_ms: float = Field(
        default=2.0,
        ge=0.0,
        le=1000.0,
        description="The longest wait for more rows while a model server has room, in "
        "milliseconds. A lone request never waits; 0: nobody does.",
    )
    max_bulk_queue_share: float = Field(
        default=0.5,
        gt=0.0,
        le=1.0,
        description="Bulk calls are refused when this share of --max-queue-tokens is taken.",
    )
    max_bulk_delay_s: float = Field(
        default=2.0,
        ge=0.0,
        description="How much longer than an interactive row a bulk row may wait, in seconds.",
    )
