"""The fleet conserves requests, is a single queue where it is one, and finds what it carries."""

from __future__ import annotations

import pytest

from benchmarks.fleet_capacity import build_parser, main, plan_of
from benchmarks.simulation.arrivals import Request, lognormal_lengths, poisson
from benchmarks.simulation.engine import ModelCost
from benchmarks.simulation.fleet import Fleet
from service.batching.policy import BatchLimits
from service.batching.rules import SchedulingRules

RULES = SchedulingRules(
    BatchLimits(256, 16), max_queue_tokens=4000, max_in_flight=4, max_wait_s=0.0
)
COST = ModelCost(fixed_s=0.01, token_s=0.0001)


def requests_at(rate: float, count: int = 400) -> list[Request]:
    return poisson(rate, count, lengths=lognormal_lengths, seed=3)


@pytest.mark.parametrize("merges_rows", [0, 64])
@pytest.mark.parametrize(("gateways", "servers"), [(1, 1), (1, 3), (3, 1), (3, 2)])
def test_every_request_is_answered_and_none_before_its_time(
    gateways: int, servers: int, merges_rows: int
) -> None:
    requests = requests_at(200)
    fleet = Fleet(gateways, servers, rules=RULES, cost=COST, merges_rows=merges_rows)
    result = fleet.run(requests)
    assert all(request.answered is not None for request in requests)
    assert all((each.answered or 0) >= each.arrival + COST.fixed_s for each in requests)
    assert result.offered == 320, "the first fifth is not counted"
    assert result.refused == 0
    assert 0 < result.busy <= 1


def test_a_lone_request_costs_what_its_batch_costs() -> None:
    request = Request(0.0, 20)
    result = Fleet(1, 1, rules=RULES, cost=COST).run([request], warm_up=0)
    assert result.latencies_s == [pytest.approx(0.012)]
    assert result.rows == 1
    assert result.padding == 0


def test_more_model_servers_answer_sooner_under_load() -> None:
    def median_s(servers: int) -> float:
        return Fleet(1, servers, rules=RULES, cost=COST).run(requests_at(300)).latency_s(0.5)

    assert median_s(4) < median_s(1)


def test_what_cannot_be_done_in_time_is_refused_and_what_is_answered_comes_in_time() -> None:
    requests = requests_at(3000, 3000)
    for request in requests:
        request.deadline = request.arrival + 0.3
    result = Fleet(2, 1, rules=RULES, cost=COST).run(requests)
    assert result.refused > 0.5
    assert not result.meets(0.3)
    assert result.latency_s(0.9) <= 0.35


def test_the_search_finds_what_is_carried() -> None:
    plan = plan_of(build_parser().parse_args(["--seconds", "4", "--gateways", "1"]))
    carried = plan.carried(1, accuracy=0.1)
    assert plan.simulate(carried, 1).meets(0.5)
    assert not plan.simulate(1.3 * carried, 1).meets(0.5)


def test_gateways_follow_from_their_processor_time() -> None:
    plan = plan_of(build_parser().parse_args(["--gateway-ms", "0.7"]))
    assert [plan.gateways(rate) for rate in (1, 999, 1001, 10_000)] == [1, 1, 2, 10]


def test_rates_are_printed_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--servers", "1", "2", "--rates", "20", "40", "--seconds", "2"]
    assert main(flags) == 0
    head, titles, *lines = capsys.readouterr().out.splitlines()
    assert head.startswith("20 ms a batch")
    assert titles.split()[:2] == ["servers", "gateways"]
    assert [line.split()[:3] for line in lines] == [
        ["1", "1", "20"], ["1", "1", "40"], ["2", "1", "20"], ["2", "1", "40"],
    ]  # fmt: skip
