"""What the gateway tells of its batches during a load: two looks at its metrics, subtracted."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from loadtest.errors import LoadTestError

_TIMEOUT_S: Final = 10.0
_Series = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True)
class Snapshot:
    """All numbers at one moment, by their names and labels."""

    values: Mapping[_Series, float]

    def __sub__(self, earlier: Snapshot) -> Snapshot:
        """How much each number rose."""
        return Snapshot(
            {key: value - earlier.values.get(key, 0.0) for key, value in self.values.items()}
        )

    def total(self, name: str, **labels: str) -> float:
        """The sum of all series with this name and these labels."""
        wanted = set(labels.items())
        return sum(
            value for (found, given), value in self.values.items() if found == name
            and wanted <= given
        )  # fmt: skip

    def mean(self, histogram: str) -> float:
        """The mean of a histogram's values; 0 without any."""
        count = self.total(f"{histogram}_count")
        return self.total(f"{histogram}_sum") / count if count else 0.0

    def buckets(self, histogram: str) -> dict[float, float]:
        """How many values lie above the bound before and at most at each bound."""
        cumulative: dict[float, float] = {}
        for (name, labels), value in self.values.items():
            if name == f"{histogram}_bucket":
                bound = float(dict(labels)["le"])
                cumulative[bound] = cumulative.get(bound, 0.0) + value
        counts, before = {}, 0.0
        for bound in sorted(cumulative):
            counts[bound] = cumulative[bound] - before
            before = cumulative[bound]
        return counts


@dataclass(frozen=True)
class Batches:
    """The batches of a load.

    Attributes:
        count: How many.
        rows: Rows in one, on average.
        fill: Padded tokens as a share of the most that a batch may hold, on average, 0 to 1.
        padding: Padding as a share of all padded tokens, 0 to 1.
        seconds: From sending one to its answer, on average.
        row_counts: How many batches have rows up to each bound, by the bound.
    """

    count: int
    rows: float
    fill: float
    padding: float
    seconds: float
    row_counts: Mapping[float, float]


def read_metrics(url: str) -> Snapshot:
    """The metrics of this moment.

    Raises:
        LoadTestError: They cannot be had.
    """
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            text = answer.read().decode()
    except OSError as error:
        raise LoadTestError(f"cannot read the gateway's metrics at {url}: {error}") from error
    return parse_metrics(text)


def parse_metrics(text: str) -> Snapshot:
    """The numbers of a page in Prometheus' format."""
    values: dict[_Series, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            values[sample.name, frozenset(sample.labels.items())] = sample.value
    return Snapshot(values)


def batches_between(before: Snapshot, after: Snapshot) -> Batches:
    """The batches that were sent between two looks."""
    rose = after - before
    padding = rose.total("heed_batched_padding_tokens_total")
    tokens = padding + rose.total("heed_batched_tokens_total")
    return Batches(
        count=round(rose.total("heed_batch_rows_count")),
        rows=rose.mean("heed_batch_rows"),
        fill=rose.mean("heed_batch_fill_ratio"),
        padding=padding / tokens if tokens else 0.0,
        seconds=rose.mean("heed_batch_duration_seconds"),
        row_counts=rose.buckets("heed_batch_rows"),
    )
