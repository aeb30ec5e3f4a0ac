"""Answers that are kept."""

from __future__ import annotations

from pydantic import Field

from service.settings.base import SettingsGroup


class CacheSettings(SettingsGroup):
    """Answers that are kept."""

    cache_bytes: int = Field(
        default=0,
        ge=0,
        description="The most memory of each process for answers that are kept for like texts "
        "with like options, in bytes; 0 keeps none. Like texts that come at the same time are "
        "then worked on once.",
    )
