"""The simulator conserves requests, and knows what batches cost."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.batching_simulator import main
from benchmarks.simulation.arrivals import Request, at_rate, bursts, poisson, read_trace
from benchmarks.simulation.engine import ModelCost, simulate
from benchmarks.simulation.queues import (
    FifoQueue,
    HeedQueue,
    RequestQueue,
    ServingParameters,
    ServingQueue,
)
from benchmarks.simulation.report import POLICIES, Point, carried, table
from service.batching.policy import BatchLimits
from service.batching.rules import SchedulingRules

RULES = SchedulingRules(BatchLimits(64, 8), max_queue_tokens=400, max_in_flight=1, max_wait_s=0.0)
COST = ModelCost(fixed_s=0.01, token_s=0.0001)


def queues() -> dict[str, RequestQueue]:
    return {
        "heed": HeedQueue(RULES),
        "fifo": FifoQueue(RULES, in_flight=2),
        "serving": ServingQueue(ServingParameters(max_batch_size=8, max_enqueued_batches=3)),
    }


@given(
    gaps=st.lists(st.floats(0.0, 0.05), min_size=1, max_size=60),
    lengths=st.lists(st.integers(1, 80), min_size=60, max_size=60),
    time_left_s=st.one_of(st.none(), st.floats(0.0, 0.5)),
)
@pytest.mark.parametrize("name", ["heed", "fifo", "serving"])
def test_every_request_is_answered_once_or_refused(
    name: str, gaps: list[float], lengths: list[int], time_left_s: float | None
) -> None:
    now, requests = 0.0, []
    for gap, length in zip(gaps, lengths, strict=False):
        now += gap
        deadline = None if time_left_s is None else now + time_left_s
        requests.append(Request(now, length, deadline=deadline))
    queue = queues()[name]
    result = simulate(requests, queue, COST)
    answered = [request for request in requests if request.answered is not None]
    assert result.offered == len(requests)
    assert result.refused == len(requests) - len(answered)
    assert len(result.latencies_s) == len(answered)
    assert result.tokens == sum(request.length for request in answered), "none is run twice"
    assert all((request.answered or 0) >= request.arrival + COST.fixed_s for request in answered)
    if time_left_s is None and sum(lengths[: len(requests)]) <= RULES.max_queue_tokens:
        assert name == "serving" or result.refused == 0


@given(gaps=st.lists(st.floats(0.0, 0.05), min_size=1, max_size=50), length=st.integers(1, 64))
def test_where_lengths_are_equal_the_gateway_answers_first_come_first_served(
    gaps: list[float], length: int
) -> None:
    def run(queue: RequestQueue) -> list[float | None]:
        now, requests = 0.0, []
        for gap in gaps:
            now += gap
            requests.append(Request(now, length))
        simulate(requests, queue, COST)
        return [request.answered for request in requests]

    rules = SchedulingRules(BatchLimits(64, 8), max_in_flight=1, max_wait_s=0.0)
    assert run(HeedQueue(rules)) == run(FifoQueue(rules, in_flight=1))


def test_a_lone_request_takes_what_its_batch_takes() -> None:
    requests = [Request(5.0, 30)]
    result = simulate(requests, HeedQueue(RULES), COST)
    assert result.latencies_s == [pytest.approx(0.013)]
    assert (result.runs, result.padding, result.refused) == (1, 0.0, 0)


def test_padding_is_what_the_longest_makes_of_the_others() -> None:
    requests = [Request(0.0, 10), Request(0.0, 30)]
    result = simulate(requests, ServingQueue(ServingParameters()), COST)
    assert result.padded_tokens == 60
    assert result.padding == pytest.approx(1 / 3)


def test_serving_waits_for_its_timeout_or_a_full_batch() -> None:
    parameters = ServingParameters(max_batch_size=2, batch_timeout_micros=5000)
    requests = [Request(0.0, 10), Request(1.0, 10), Request(1.001, 10)]
    simulate(requests, ServingQueue(parameters), COST)
    assert requests[0].answered == pytest.approx(0.005 + 0.011), "alone: after the timeout"
    assert requests[1].answered == requests[2].answered == pytest.approx(1.001 + 0.012)


def test_serving_adds_rows_up_to_an_allowed_size_and_refuses_beyond_its_queue() -> None:
    parameters = ServingParameters(
        max_batch_size=4,
        batch_timeout_micros=0,
        max_enqueued_batches=2,
        num_batch_threads=1,
        allowed_batch_sizes=(2, 4),
    )
    requests = [Request(0.0, 10) for _ in range(20)]
    result = simulate(requests, ServingQueue(parameters), COST)
    assert result.refused == 20 - 1 - 2 * 4
    assert result.padded_tokens == 10 * (2 + 4 + 4)


def test_more_workers_work_on_more_batches_at_once() -> None:
    requests = [Request(0.0, 64) for _ in range(4)]
    rules = SchedulingRules(BatchLimits(64, 1), max_in_flight=4, max_wait_s=0.0)
    result = simulate(requests, FifoQueue(rules, in_flight=4), ModelCost(0.01, 0.0, workers=2))
    assert [round(1000 * latency) for latency in result.latencies_s] == [10, 10, 20, 20]


def test_arrivals_have_their_rate_and_come_in_order() -> None:
    for requests in (
        poisson(100.0, 5000, lengths=lambda _: 5, seed=1),
        bursts(100.0, 5000, lengths=lambda _: 5, seed=1, burst=10),
    ):
        arrivals = [request.arrival for request in requests]
        assert arrivals == sorted(arrivals)
        assert len(requests) / arrivals[-1] == pytest.approx(100.0, rel=0.1)


def test_a_trace_is_read_and_stretched(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("arrival_s,length\n10.0,5\n11.0,7\n12.0,9\n")
    recorded = read_trace(path)
    assert [(request.arrival, request.length) for request in recorded] == [
        *((10.0, 5), (11.0, 7), (12.0, 9))
    ]
    assert [request.arrival for request in at_rate(recorded, 30.0)] == pytest.approx([0, 0.05, 0.1])
    path.write_text("arrival_s,length\n10.0,long\n")
    with pytest.raises(SystemExit, match=r"trace\.csv:2: expected a heading arrival_s,length"):
        read_trace(path)


def test_the_load_carried_is_interpolated() -> None:
    def point(rate: float, latency_s: float) -> Point:
        requests = [Request(0.0, 1)]
        result = simulate(requests, HeedQueue(RULES), ModelCost(latency_s, 0.0))
        return Point(POLICIES[0], rate, result)

    points = [point(100, 0.1), point(200, 0.3), point(300, 0.9)]
    assert carried(points, 0.4)[POLICIES[0]] == pytest.approx(200 + 100 / 6)
    assert carried(points, 0.05)[POLICIES[0]] == 0.0
    assert carried(points, 1.0)[POLICIES[0]] == 300.0


def test_the_command_prints_a_table_and_draws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "batching.png"
    points = main(["--loads", "0.2", "1.5", "--seconds", "3", "--plot", str(picture)])
    printed = capsys.readouterr().out
    assert table(points) in printed
    assert all(policy in printed for policy in POLICIES)
    assert picture.stat().st_size > 10_000
    best = {point.policy: point.result.goodput for point in points if point.rate > 500}
    assert best["Heed"] > 1.5 * max(best["FIFO with padding"], best["TensorFlow Serving"])
    assert not any(math.isnan(point.result.latency_s(0.99)) for point in points)
