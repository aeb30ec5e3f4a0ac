from __future__ import annotations

from model_server.metrics import (
    LATENCY_BOUNDS,
    Counter,
    Histogram,
    ServerMetrics,
    exponential_bounds,
)


def test_bounds_grow_by_a_factor() -> None:
    assert exponential_bounds(1, 2, 4) == (1, 2, 4, 8)
    assert len(LATENCY_BOUNDS) == 33
    assert LATENCY_BOUNDS[:2] == (10, 18)


def test_a_counter_counts_for_each_combination_of_labels() -> None:
    counter = Counter("request_count", "model_name", "status")
    assert list(counter.lines()) == []
    counter.increment("m", "OK")
    counter.increment("m", "OK", by=2)
    counter.increment("m", "NOT_FOUND")
    assert list(counter.lines()) == [
        "# TYPE :tensorflow:serving:request_count counter",
        ':tensorflow:serving:request_count{model_name="m",status="OK"} 3',
        ':tensorflow:serving:request_count{model_name="m",status="NOT_FOUND"} 1',
    ]
    assert counter.total() == 4


def test_a_histogram_is_cumulative_and_ends_without_a_bound() -> None:
    histogram = Histogram("size", bounds=(1, 2))
    for value in (0.5, 1, 1.5, 7):
        histogram.observe(value)
    assert list(histogram.lines()) == [
        "# TYPE :tensorflow:serving:size histogram",
        ':tensorflow:serving:size_bucket{le="1"} 1',
        ':tensorflow:serving:size_bucket{le="2"} 3',
        ':tensorflow:serving:size_bucket{le="+Inf"} 4',
        ":tensorflow:serving:size_sum{} 10.0",
        ":tensorflow:serving:size_count{} 4",
    ]
    assert histogram.total() == 4


def test_labels_are_escaped() -> None:
    counter = Counter("c", "name")
    counter.increment('a"b\\c\nd')
    assert list(counter.lines())[1] == ':tensorflow:serving:c{name="a\\"b\\\\c\\nd"} 1'


def test_totals_are_named_as_in_the_real_server() -> None:
    metrics = ServerMetrics()
    metrics.batching.wrapped_run_count.increment()
    totals = metrics.totals()
    assert totals["/tensorflow/serving/batching_session/wrapped_run_count"] == 1
    assert totals["/tensorflow/serving/request_count"] == 0
    assert metrics.exposition() == (
        "# TYPE :tensorflow:serving:batching_session:wrapped_run_count counter\n"
        ":tensorflow:serving:batching_session:wrapped_run_count{} 1\n"
    )
