"""How families of metrics are made: one prefix, one registry, bounds that fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

DURATION_BOUNDS_S: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
"""Upper bounds of the buckets for times, in seconds."""

RATIO_BOUNDS: Final = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
"""Upper bounds of the buckets for shares of a whole."""

ROW_BOUNDS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
TOKEN_BOUNDS: Final = (16, 64, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536)

_PREFIX: Final = "heed"

AcrossProcesses = Literal["livesum", "livemin", "livemax"]
"""How a gauge of several processes becomes one number."""


class Families:
    """Makes metrics in one registry, each named `heed_...`.

    Args:
        registry: Holds them.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def counter(self, name: str, meaning: str, labels: Sequence[str] = ()) -> Counter:
        """A number that only rises; `_total` is added to its name."""
        return Counter(name, meaning, labels, namespace=_PREFIX, registry=self._registry)

    def gauge(
        self, name: str, meaning: str, labels: Sequence[str] = (), *, across: AcrossProcesses
    ) -> Gauge:
        """A number that rises and falls."""
        return Gauge(
            name,
            meaning,
            labels,
            namespace=_PREFIX,
            registry=self._registry,
            multiprocess_mode=across,
        )

    def histogram(
        self, name: str, meaning: str, labels: Sequence[str] = (), *, bounds: Sequence[float]
    ) -> Histogram:
        """How values are distributed."""
        return Histogram(
            name, meaning, labels, namespace=_PREFIX, registry=self._registry, buckets=bounds
        )
