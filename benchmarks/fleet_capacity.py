"""How many model servers and gateways a load needs, by simulation.

For each number of model servers: the most requests a second of which 99 % come within a bound and
at most 1 % are refused; how many gateway processes speak for that; and how many tokens lie in the
queues and in the model servers then, which is what an autoscaler sees.

    python benchmarks/fleet_capacity.py                         # 20 ms a batch, 0.1 ms a token
    python benchmarks/fleet_capacity.py --fixed-ms 4 --token-us 8
    python benchmarks/fleet_capacity.py --calibrate 127.0.0.1:8500 --model g2p
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.batching_simulator import (
    add_batching_arguments,
    add_model_arguments,
    cost_of,
    describe,
)
from benchmarks.simulation.arrivals import lognormal_lengths, poisson
from benchmarks.simulation.engine import ModelCost
from benchmarks.simulation.fleet import Fleet, FleetResult
from service.batching.policy import BatchLimits
from service.batching.rules import SchedulingRules

PROCESSOR_SHARE = 0.7
"""How busy a gateway's processor may be on average, so that bursts do not wait for it."""


MERGED_ROWS = 256
"""As max_batch_size in deploy/tf-serving/batching.config."""


@dataclass(frozen=True)
class Plan:
    """What the search keeps to."""

    cost: ModelCost
    rules: SchedulingRules
    gateway_s: float
    p99_s: float
    deadline_s: float
    seconds: float
    fixed_gateways: int
    merges_rows: int

    def gateways(self, rate: float) -> int:
        """How many gateway processes a rate needs, or as many as are fixed."""
        return self.fixed_gateways or max(1, math.ceil(rate * self.gateway_s / PROCESSOR_SHARE))

    def simulate(self, rate: float, servers: int) -> FleetResult:
        """What becomes of a rate."""
        count = max(200, int(rate * self.seconds))
        requests = poisson(rate, count, lengths=lognormal_lengths, seed=1)
        for request in requests:
            request.deadline = request.arrival + self.deadline_s
        fleet = Fleet(
            self.gateways(rate),
            servers,
            rules=self.rules,
            cost=self.cost,
            merges_rows=self.merges_rows,
        )
        return fleet.run(requests)

    def carried(self, servers: int, *, accuracy: float = 0.03) -> float:
        """The most requests a second that keep to the bound, to within `accuracy`."""
        low, high = (
            0.0,
            servers
            * self.cost.capacity(17, self.rules.limits.max_tokens, self.rules.limits.max_rows),
        )
        while high - low > accuracy * high:
            middle = (low + high) / 2
            if self.simulate(middle, servers).meets(self.p99_s):
                low = middle
            else:
                high = middle
        return low


def table(plan: Plan, servers: Sequence[int]) -> str:
    """One line for each number of model servers."""
    lines = [
        f"{'servers':>7} {'gateways':>8} {'requests/s':>10} {'each':>6} "
        f"{'p50 ms':>7} {'p99 ms':>7} {'refused':>7} "
        f"{'rows':>5} {'padding':>7} {'busy':>5} {'waiting':>8} {'outstanding':>11}"
    ]
    for count in servers:
        rate = plan.carried(count)
        lines.append(line(plan, rate, count, plan.simulate(rate, count)))
    return "\n".join(lines)


def line(plan: Plan, rate: float, servers: int, result: FleetResult) -> str:
    """One size in numbers; `each` is for one model server."""
    return (
        f"{servers:7} {plan.gateways(rate):8} {rate:10.0f} {rate / servers:6.0f} "
        f"{1e3 * result.latency_s(0.5):7.0f} {1e3 * result.latency_s(0.99):7.0f} "
        f"{result.refused:7.1%} "
        f"{result.rows:5.1f} {result.padding:7.0%} {result.busy:5.0%} "
        f"{result.waiting_tokens:8.0f} {result.outstanding_tokens:11.0f}"
    )


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--servers", type=int, nargs="+", default=[1, 2, 4, 8], help="model servers (1 2 4 8)"
    )
    parser.add_argument(
        "--rates", type=float, nargs="+", help="these requests a second instead of the most"
    )
    parser.add_argument(
        "--gateways", type=int, default=0, help="so many gateways, and not as many as are needed"
    )
    parser.add_argument(
        "--merging", action="store_true", help="model servers merge batches that wait"
    )
    parser.add_argument("--p99-ms", type=float, default=500.0, help="the bound (500)")
    parser.add_argument("--deadline-ms", type=float, default=1000.0, help="of a request (1000)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of virtual time a load (10)")
    parser.add_argument(
        "--gateway-ms",
        type=float,
        default=1.0,
        help="processor time of a gateway for a request: benchmarks/gateway_overhead.py (1)",
    )
    add_model_arguments(parser.add_argument_group("model"))
    add_batching_arguments(parser.add_argument_group("batching"))
    return parser


def plan_of(arguments: argparse.Namespace) -> Plan:
    """The plan that the arguments ask for."""
    rules = SchedulingRules(
        BatchLimits(arguments.max_batch_tokens, arguments.max_batch_rows),
        max_queue_tokens=arguments.max_queue_tokens,
        max_in_flight=arguments.max_batches_in_flight,
        max_wait_s=arguments.max_batch_wait_ms / 1000,
    )
    return Plan(
        cost_of(arguments),
        rules,
        gateway_s=arguments.gateway_ms / 1e3,
        p99_s=arguments.p99_ms / 1e3,
        deadline_s=arguments.deadline_ms / 1e3,
        seconds=arguments.seconds,
        fixed_gateways=arguments.gateways,
        merges_rows=MERGED_ROWS if arguments.merging else 0,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Simulates and prints."""
    arguments = build_parser().parse_args(argv)
    plan = plan_of(arguments)
    print(
        f"{describe(plan.cost)}; {1e3 * plan.gateway_s:g} ms of a gateway's processor a request; "
        f"99 % within {1e3 * plan.p99_s:.0f} ms"
    )
    if not arguments.rates:
        print(table(plan, arguments.servers))
        return 0
    print(table(plan, ()))
    for servers in arguments.servers:
        for rate in arguments.rates:
            result = plan.simulate(rate, servers)
            print(line(plan, rate, servers, result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
