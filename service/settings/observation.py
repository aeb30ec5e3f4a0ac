"""What the gateway tells of itself."""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import urlsplit

from pydantic import Field, field_validator

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
    log_calls: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="The share of answered calls that get a line in the log, 0 to 1. Calls that "
        "fail get one anyway.",
    )
    log_texts: bool = Field(
        default=False,
        description="DANGEROUS: write whole requests, the texts of callers included, to the lines "
        "of their calls. For a search for faults, and never where texts are private.",
    )
    otlp_endpoint: str = Field(
        default="",
        description="Where to send traces, over OTLP/gRPC: http://HOST:PORT, or https://HOST:PORT "
        "for TLS. OTEL_EXPORTER_OTLP_ENDPOINT in the environment does the same. Default: nowhere.",
    )
    trace_share: float = Field(
        default=1.0,
        ge=0.0,
        le=1.0,
        description="The share of calls that are traced, 0 to 1, where the caller's own trace does "
        "not decide.",
    )

    @field_validator("otlp_endpoint")
    @classmethod
    def _is_an_url(cls, value: str) -> str:
        if value and not _is_host_and_port(value):
            raise ValueError(f"expected http://HOST:PORT or https://HOST:PORT, got {value!r}")
        return value


def _is_host_and_port(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, or a port that cannot be
        return False
