"""What the gateway tells of itself."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from service.settings.base import SettingsGroup


class LogFormat(StrEnum):
    """How log lines look."""

    PLAIN = "plain"
    JSON = "json"


class LogLevel(StrEnum):
    """The least important lines that are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class ObservationSettings(SettingsGroup):
    """What the gateway tells of itself."""

    log_format: LogFormat = Field(default=LogFormat.PLAIN, description="How log lines look.")
    log_level: LogLevel = Field(
        default=LogLevel.INFO, description="The least important lines that are logged."
    )
