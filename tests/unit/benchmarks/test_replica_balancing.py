"""The claim of the benchmark: choosing by outstanding tokens makes up for a slow model server."""

from __future__ import annotations

import pytest

from benchmarks.replica_balancing import POLICIES, Setup, latencies_of
from tests.support.virtual_time import run_in_virtual_time

SETUP = Setup(replicas=3, slow_times=4.0, batches=800, seed=3)


def high(policy: str, load: float) -> float:
    latencies = run_in_virtual_time(latencies_of(policy, SETUP, load))
    assert len(latencies) == SETUP.batches
    return latencies[int(0.99 * len(latencies))]


def test_the_capacity_counts_the_slow_one_for_what_it_is() -> None:
    assert SETUP.capacity() == pytest.approx(2.25 * Setup(1, 1.0, 1, 1).capacity())


@pytest.mark.parametrize("load", [0.3, 0.6])
def test_least_outstanding_tokens_beats_orders_that_do_not_look(load: float) -> None:
    p99 = {name: high(name, load) for name in POLICIES}
    best_blind = min(p99["round robin"], p99["random"])
    assert p99["least outstanding tokens"] < best_blind / 2
    assert p99["the same, slow ones ejected"] < best_blind / 2
