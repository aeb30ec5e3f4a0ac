"""What the server counts, under TensorFlow Serving's names, in Prometheus' text form.

A name of the real server, such as `/tensorflow/serving/request_count`, is written with colons.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from itertools import accumulate

_PREFIX = "/tensorflow/serving/"


def exponential_bounds(scale: float, growth: float, count: int) -> tuple[float, ...]:
    """The upper bounds of a histogram's buckets; one without a bound follows."""
    return tuple(accumulate([scale] + [growth] * (count - 1), lambda bound, by: bound * by))


LATENCY_BOUNDS = exponential_bounds(10, 1.8, 33)  # microseconds
SIZE_BOUNDS = exponential_bounds(1, 2, 14)  # rows


class Metric:
    """What counters and histograms share. Thread-safe.

    Args:
        name: The name after `/tensorflow/serving/`.
        labels: The names of the labels.
    """

    kind = ""

    def __init__(self, name: str, *labels: str) -> None:
        self.name = _PREFIX + name
        self.labels = labels
        self._lock = threading.Lock()

    def lines(self) -> Iterator[str]:
        """The metric in Prometheus' text form; nothing before the first value."""
        exported = self.name.replace("/", ":")
        with self._lock:
            samples = list(self._samples(exported))
        if samples:
            yield f"# TYPE {exported} {self.kind}"
            yield from samples

    def total(self) -> int:
        """What it has counted over all labels."""
        raise NotImplementedError

    def _samples(self, exported: str) -> Iterator[str]:
        raise NotImplementedError

    def _labelled(self, values: Sequence[str], *further: str) -> str:
        pairs = [
            f'{name}="{_escaped(value)}"' for name, value in zip(self.labels, values, strict=True)
        ]
        return "{" + ",".join([*pairs, *further]) + "}"


class Counter(Metric):
    """A number that only rises, for each combination of labels."""

    kind = "counter"

    def __init__(self, name: str, *labels: str) -> None:
        super().__init__(name, *labels)
        self._values: dict[tuple[str, ...], int] = {}

    def increment(self, *labels: str, by: int = 1) -> None:
        """Count."""
        with self._lock:
            self._values[labels] = self._values.get(labels, 0) + by

    def total(self) -> int:
        """What it has counted over all labels."""
        with self._lock:
            return sum(self._values.values())

    def _samples(self, exported: str) -> Iterator[str]:
        for labels, value in self._values.items():
            yield f"{exported}{self._labelled(labels)} {value}"


class Histogram(Metric):
    """How values are distributed, for each combination of labels.

    Args:
        name: The name after `/tensorflow/serving/`.
        labels: The names of the labels.
        bounds: The upper bounds of the buckets, ascending.
    """

    kind = "histogram"

    def __init__(self, name: str, *labels: str, bounds: tuple[float, ...] = LATENCY_BOUNDS) -> None:
        super().__init__(name, *labels)
        self._bounds = bounds
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Counts a value into its bucket."""
        with self._lock:
            counts = self._counts.get(labels)
            if counts is None:
                counts = self._counts[labels] = [0] * (len(self._bounds) + 1)
            counts[self._bucket(value)] += 1
            self._sums[labels] = self._sums.get(labels, 0.0) + value

    def total(self) -> int:
        """How many values it has counted over all labels."""
        with self._lock:
            return sum(sum(counts) for counts in self._counts.values())

    def _bucket(self, value: float) -> int:
        low, high = 0, len(self._bounds)
        while low < high:
            middle = (low + high) // 2
            if value < self._bounds[middle]:
                high = middle
            else:
                low = middle + 1
        return low

    def _samples(self, exported: str) -> Iterator[str]:
        for labels, counts in self._counts.items():
            for bound, below in zip([*self._bounds, math.inf], accumulate(counts), strict=True):
                limit = "+Inf" if math.isinf(bound) else f"{bound:g}"
                bucket = self._labelled(labels, f'le="{limit}"')
                yield f"{exported}_bucket{bucket} {below}"
            yield f"{exported}_sum{self._labelled(labels)} {self._sums[labels]!r}"
            yield f"{exported}_count{self._labelled(labels)} {sum(counts)}"


class MetricGroup:
    """Metrics that belong together; each is an attribute."""

    def metrics(self) -> Iterator[Metric]:
        """All of them, those of groups within this one included."""
        for value in vars(self).values():
            if isinstance(value, Metric):
                yield value
            elif isinstance(value, MetricGroup):
                yield from value.metrics()


class BatchingMetrics(MetricGroup):
    """What is counted about batches."""

    def __init__(self) -> None:
        folder = "batching_session/"
        self.queuing_latency = Histogram(f"{folder}queuing_latency", "thread_pool_name")
        self.wrapped_run_count = Counter(f"{folder}wrapped_run_count")
        self.padding_size = Histogram(
            f"{folder}padding_size", "execution_batch_size", bounds=SIZE_BOUNDS
        )
        self.input_batch_size = Histogram(f"{folder}input_batch_size", bounds=SIZE_BOUNDS)
        self.processed_batch_size = Histogram(f"{folder}processed_batch_size", bounds=SIZE_BOUNDS)


class ServerMetrics(MetricGroup):
    """Everything that the server counts. Latencies are in microseconds."""

    def __init__(self) -> None:
        self.request_count = Counter("request_count", "model_name", "status")
        self.request_latency = Histogram("request_latency", "model_name", "API", "entrypoint")
        self.runtime_latency = Histogram("runtime_latency", "model_name", "API", "runtime")
        self.warmup_latency = Histogram("model_warmup_latency", "model_path", "status")
        self.warmup_records_read = Counter("model_warmup_records_read", "model_path")
        self.batching = BatchingMetrics()

    def exposition(self) -> str:
        """All metrics in Prometheus' text form."""
        lines = [line for metric in self.metrics() for line in metric.lines()]
        return "".join(f"{line}\n" for line in lines)

    def totals(self) -> dict[str, int]:
        """Each metric's name, such as `/tensorflow/serving/request_count`, and what it counted."""
        return {metric.name: metric.total() for metric in self.metrics()}


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
