"""How families of metrics are made: one prefix, one registry, bounds that fit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Self

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

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


class _QuickLabels(MetricWrapperBase):
    """Finds series that were used before without a lock: every call needs ten of them."""

    def labels(self, *labelvalues: Any, **labelkwargs: Any) -> Self:
        """The series with these labels."""
        series: dict[tuple[Any, ...], Self] = self.__dict__.setdefault("_found", {})
        found = series.get(labelvalues)
        if found is None or labelkwargs:
            found = series[labelvalues] = super().labels(*labelvalues, **labelkwargs)
        return found

    def remove(self, *labelvalues: Any) -> None:
        """Forgets the series with these labels."""
        self.__dict__.get("_found", {}).pop(labelvalues, None)
        super().remove(*labelvalues)


class _Counter(_QuickLabels, Counter):
    """A counter."""


class _Gauge(_QuickLabels, Gauge):
    """A gauge."""


class _Histogram(_QuickLabels, Histogram):
    """A histogram."""


@dataclass(frozen=True, slots=True)
class Described:
    """What a metric is, for its documentation.

    Attributes:
        name: Its name as Prometheus shows it; a histogram's without its suffixes.
        kind: "counter", "gauge" or "histogram".
        labels: The names of its labels.
        meaning: What it measures, unit included.
    """

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


class Families:
    """Makes metrics in one registry, each named `heed_...`.

    Args:
        registry: Holds them.

    Attributes:
        described: What has been made so far.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.described: list[Described] = []

    def counter(
        self,
        name: str,
        meaning: str,
        labels: Sequence[str] = (),
        *,
        known: Iterable[tuple[str, ...]] = (),
    ) -> Counter:
        """A number that only rises; `_total` is added to its name.

        Args:
            name: Its name without prefix and `_total`.
            meaning: What it counts.
            labels: The names of its labels.
            known: Labels that are shown as 0 from the start. Where a series begins with 1,
                Prometheus sees no rise, and no alert would hear of the first of a kind.
        """
        self._describe(f"{name}_total", "counter", labels=labels, meaning=meaning)
        counter = _Counter(name, meaning, labels, namespace=_PREFIX, registry=self._registry)
        for values in known:
            counter.labels(*values)
        return counter

    def gauge(
        self, name: str, meaning: str, labels: Sequence[str] = (), *, across: AcrossProcesses
    ) -> Gauge:
        """A number that rises and falls."""
        self._describe(name, "gauge", labels=labels, meaning=meaning)
        return _Gauge(
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
        self._describe(name, "histogram", labels=labels, meaning=meaning)
        return _Histogram(
            name, meaning, labels, namespace=_PREFIX, registry=self._registry, buckets=bounds
        )

    def _describe(self, name: str, kind: str, *, labels: Sequence[str], meaning: str) -> None:
        self.described.append(Described(f"{_PREFIX}_{name}", kind, tuple(labels), meaning))
