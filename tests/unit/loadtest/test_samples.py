import math
from pathlib import Path

import pytest

from loadtest.samples import Sample, load_of, percentile, read_samples


def sample(due_s: float, latency_s: float = 0.1, code: str = "OK", reason: str = "") -> Sample:
    return Sample("plain", due_s, 0.001, latency_s, code, reason)


def test_a_percentile_is_the_smallest_value_that_enough_do_not_exceed() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, share) for share in (0.01, 0.5, 0.99, 1.0)] == [1, 50, 99, 100]
    assert percentile([3.0], 0.5) == 3.0
    assert math.isinf(percentile([], 0.5))


def test_a_load_counts_answers_failures_and_leaves_the_warm_up_out() -> None:
    samples = [sample(10.0 + 0.1 * number, 0.01 * number) for number in range(100)]
    samples.append(sample(20.0, 9.0, "RESOURCE_EXHAUSTED", "QUEUE_FULL"))
    load = load_of(samples, warm_up_s=5.0)
    assert load.seconds == pytest.approx(5.0)
    assert len(load.samples) == 51
    assert load.error_share == pytest.approx(1 / 51)
    assert load.failures == {"RESOURCE_EXHAUSTED QUEUE_FULL": 1}
    assert load.answers_per_s == pytest.approx(10.0)
    assert load.latency_s(1.0) == pytest.approx(0.99)  # of those answered


def test_a_load_without_requests_has_failed() -> None:
    load = load_of([])
    assert load.error_share == 1.0
    assert load.answers_per_s == 0.0


def test_the_throughput_counts_until_the_last_answer() -> None:
    load = load_of([sample(0.0, 4.0), sample(0.0, 4.0), sample(1.0, 1.0)])
    assert load.throughput == pytest.approx(3 / 4)
    assert load_of([]).throughput == 0


def test_samples_come_back_from_a_file_in_the_order_they_were_due(tmp_path: Path) -> None:
    first, second = sample(1.0), Sample("stream", 2.0, 0.0, 0.3, stages={"queue": 0.1}, first_s=0.2)
    path = tmp_path / "samples"
    path.write_text(f"{second.to_json()}\n{first.to_json()}\n")
    assert read_samples(path) == [first, second]


def test_a_line_that_is_no_sample_is_named(tmp_path: Path) -> None:
    path = tmp_path / "samples"
    path.write_text(f"{sample(1.0).to_json()}\nnothing\n")
    with pytest.raises(ValueError, match="line 2 is no sample"):
        read_samples(path)
