"""How far answers in pieces run ahead of their readers."""

from __future__ import annotations

from pydantic import Field

from service.settings.base import SettingsGroup


class StreamSettings(SettingsGroup):
    """How far answers in pieces run ahead of their readers."""

    max_stream_characters: int = Field(
        default=200_000,
        ge=1,
        description="The longest text of StreamGenerate in Unicode code points when it is split "
        "into sentences.",
    )
    stream_segments_ahead: int = Field(
        default=3,
        ge=0,
        description="How many sentences of a stream are answered ahead of their turn.",
    )
    many_window: int = Field(
        default=256,
        ge=1,
        description="The most texts of a GenerateMany stream that are read and not yet answered; "
        "whoever sends more is slowed down.",
    )
