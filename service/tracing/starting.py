"""Whether traces are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from service.settings import GatewaySettings
from service.tracing.spans import NO_TRACING, Tracing

_VARIABLES: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def make_tracing(settings: GatewaySettings, environment: Mapping[str, str]) -> Tracing:
    """Traces as the settings, or OpenTelemetry's own variables, want them."""
    wanted = settings.otlp_endpoint or any(environment.get(name) for name in _VARIABLES)
    if not wanted or settings.trace_share <= 0:
        return NO_TRACING
    from service.tracing.open_telemetry import exporting

    return exporting(settings.otlp_endpoint, settings.trace_share)
