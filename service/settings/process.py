"""How the gateway begins and ends."""

from __future__ import annotations

from pydantic import Field

from service.settings.base import SettingsGroup


class ProcessSettings(SettingsGroup):
    """How the gateway begins and ends."""

    workers: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Processes that answer on the same ports; each has a queue and limits of its "
        "own. Connections are spread over them, so that clients need several to use them all.",
    )
    drain_s: float = Field(
        default=30.0,
        ge=0,
        description="Seconds that accepted calls have to end after SIGTERM, SIGINT or SIGHUP.",
    )
