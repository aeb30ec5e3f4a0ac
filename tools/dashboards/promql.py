"""Queries that recur."""

from __future__ import annotations

from typing import Final

PERCENTILES: Final = (0.5, 0.95, 0.99)
OF_MODEL: Final = 'model=~"$model"'
DURATION: Final = "heed_request_duration_seconds"
STAGE: Final = "heed_stage_duration_seconds"


def rate(metric: str, by: str, labels: str = "") -> str:
    """How fast a counter rises, a second, added up by labels."""
    selector = f"{{{labels}}}" if labels else ""
    return f"sum by ({by}) (rate({metric}{selector}[$__rate_interval]))"


def quantile(share: float, histogram: str, by: str = "", labels: str = "") -> str:
    """The value below which a share of a histogram's values lie, by a label if one is named."""
    groups = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', groups, labels)})"


def percentiles(histogram: str, by: str = "", labels: str = "") -> tuple[tuple[str, str], ...]:
    """Queries for the usual percentiles, with their legends."""
    name = f" {{{{{by}}}}}" if by else ""
    return tuple(
        (quantile(share, histogram, by, labels), f"p{share * 100:g}{name}") for share in PERCENTILES
    )


def mean(histogram: str, by: str, labels: str = "") -> str:
    """The mean of a histogram's values, by labels."""
    return f"{rate(f'{histogram}_sum', by, labels)} / {rate(f'{histogram}_count', by, labels)}"


def hourly(metric: str) -> str:
    """How much a counter rose within the last hour, by model."""
    return f"sum by (model) (increase({metric}{{{OF_MODEL}}}[1h]))"
