"""How the gateway begins and ends."""

from __future__ import annotations

from pydantic import Field

from service.settings.base import SettingsGroup


class ProcessSettings(SettingsGroup):
    """How the gateway begins and ends."""

    drain_s: float = Field(
        default=30.0,
        ge=0,
        description="Seconds that accepted calls have to end after SIGTERM or SIGINT.",
    )
