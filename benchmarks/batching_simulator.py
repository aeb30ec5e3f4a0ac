"""What batching makes of a load that no machine here can make, in virtual time.

The gateway's own scheduler, the very class that serves, stands between simulated callers and a
model whose batches take `fixed + step * longest + token * padded tokens`. The same requests go
through a queue that batches first come, first served, and through a model of TensorFlow Serving's
own batching.

    python benchmarks/batching_simulator.py
    python benchmarks/batching_simulator.py --lengths-from captions.txt --loads 0.2 0.5 0.8 1.2
    python benchmarks/batching_simulator.py --trace arrivals.csv --rates 100 200 400
    python benchmarks/batching_simulator.py --calibrate 127.0.0.1:8500 --model g2p
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from rich.progress import track

from benchmarks.simulation.arrivals import (
    Lengths,
    Request,
    at_rate,
    bursts,
    lengths_from,
    lognormal_lengths,
    read_trace,
    uniform_lengths,
)
from benchmarks.simulation.calibration import calibrate
from benchmarks.simulation.engine import ModelCost, Result, simulate
from benchmarks.simulation.queues import (
    FifoQueue,
    HeedQueue,
    RequestQueue,
    ServingParameters,
    ServingQueue,
)
from benchmarks.simulation.report import POLICIES, Point, carried, draw, table
from service.batching.policy import BatchLimits
from service.batching.rules import SchedulingRules
from service.settings.batching import BatchingSettings

DEFAULT_LOADS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5, 2.0)
DEFAULTS = BatchingSettings()


@dataclass(frozen=True)
class Setup:
    """Everything that stays the same between loads."""

    cost: ModelCost
    rules: SchedulingRules
    serving: ServingParameters
    deadline_s: float
    warm_up: float

    def queue(self, policy: str) -> RequestQueue:
        """An empty queue."""
        makers: dict[str, Callable[[], RequestQueue]] = {
            POLICIES[0]: lambda: HeedQueue(self.rules),
            POLICIES[1]: lambda: FifoQueue(self.rules, self.cost.workers),
            POLICIES[2]: lambda: ServingQueue(self.serving),
        }
        return makers[policy]()

    def run(self, policy: str, requests: Sequence[Request]) -> Result:
        """Sends the requests through a policy; the first ones are not counted."""
        for request in requests:
            request.answered = None
            request.deadline = request.arrival + self.deadline_s
        return simulate(
            requests, self.queue(policy), self.cost, uncounted=int(self.warm_up * len(requests))
        )


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_load_arguments(parser.add_argument_group("load"))
    add_model_arguments(parser.add_argument_group("model"))
    add_batching_arguments(parser.add_argument_group("batching"))
    output = parser.add_argument_group("output")
    output.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the results")
    output.add_argument(
        "--p99-ms", type=float, default=500.0, help="also say which load each carries (500)"
    )
    return parser


def add_load_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--seconds", type=float, default=30.0, help="of virtual time a load (30)")
    rates = group.add_mutually_exclusive_group()
    rates.add_argument(
        "--loads",
        type=float,
        nargs="+",
        default=DEFAULT_LOADS,
        help="as shares of what full batches without padding carry",
    )
    rates.add_argument("--rates", type=float, nargs="+", help="in requests a second")
    group.add_argument("--burst", type=int, default=1, help="requests that come together (1)")
    lengths = group.add_mutually_exclusive_group()
    lengths.add_argument(
        "--lengths", choices=("lognormal", "uniform"), default="lognormal", help="4 to 60 tokens"
    )
    lengths.add_argument("--lengths-from", type=Path, metavar="FILE", help="texts, one a line")
    lengths.add_argument(
        "--trace", type=Path, metavar="FILE.csv", help="recorded requests: arrival_s,length"
    )
    group.add_argument(
        "--characters", action="store_true", help="a token of --lengths-from is a character"
    )
    group.add_argument("--deadline-ms", type=float, default=1000.0, help="of a request (1000)")
    group.add_argument(
        "--warm-up", type=float, default=0.2, help="share of a load that is not counted (0.2)"
    )
    group.add_argument("--seed", type=int, default=1)


def add_model_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--fixed-ms", type=float, default=20.0, help="of every batch (20)")
    group.add_argument("--token-us", type=float, default=100.0, help="of a padded token (100)")
    group.add_argument("--step-us", type=float, default=0.0, help="of a token of the longest (0)")
    group.add_argument("--workers", type=int, default=1, help="batches worked on at once (1)")
    group.add_argument(
        "--calibrate", metavar="HOST:PORT", help="measure both of a running model server"
    )
    group.add_argument("--model", default="g2p", help="the model that --calibrate asks (g2p)")


def add_batching_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--max-batch-tokens", type=int, default=2048)
    group.add_argument("--max-batch-rows", type=int, default=DEFAULTS.max_batch_rows)
    group.add_argument("--max-queue-tokens", type=int, default=DEFAULTS.max_queue_tokens)
    group.add_argument("--max-batch-wait-ms", type=float, default=DEFAULTS.max_batch_wait_ms)
    group.add_argument("--max-batches-in-flight", type=int, default=DEFAULTS.max_batches_in_flight)
    group.add_argument(
        "--batch-timeout-micros", type=int, default=2000, help="of TensorFlow Serving (2000)"
    )
    group.add_argument(
        "--allowed-batch-sizes", type=int, nargs="*", default=(), help="of TensorFlow Serving"
    )


def cost_of(arguments: argparse.Namespace) -> ModelCost:
    """What batches cost: as the arguments say, or as measured where they name an export."""
    if arguments.calibrate:
        measured = calibrate(arguments.calibrate, arguments.model)
        return dataclasses.replace(measured, workers=arguments.workers)
    return ModelCost(
        fixed_s=arguments.fixed_ms / 1e3,
        token_s=arguments.token_us / 1e6,
        step_s=arguments.step_us / 1e6,
        workers=arguments.workers,
    )


def setup_of(arguments: argparse.Namespace) -> Setup:
    cost = cost_of(arguments)
    if arguments.calibrate:
        print(f"measured: {describe(cost)}")
    rules = SchedulingRules(
        BatchLimits(arguments.max_batch_tokens, arguments.max_batch_rows),
        max_queue_tokens=arguments.max_queue_tokens,
        max_in_flight=max(arguments.max_batches_in_flight, arguments.workers + 1),
        max_wait_s=arguments.max_batch_wait_ms / 1000,
    )
    serving = ServingParameters(
        max_batch_size=arguments.max_batch_rows,
        batch_timeout_micros=arguments.batch_timeout_micros,
        num_batch_threads=arguments.workers,
        allowed_batch_sizes=tuple(sorted(arguments.allowed_batch_sizes)),
    )
    return Setup(
        cost=cost,
        rules=rules,
        serving=serving,
        deadline_s=arguments.deadline_ms / 1000,
        warm_up=arguments.warm_up,
    )


def loads_of(arguments: argparse.Namespace, setup: Setup) -> Iterator[tuple[float, list[Request]]]:
    """Every load: its rate, and its requests."""
    recorded = read_trace(arguments.trace) if arguments.trace else None
    lengths = chosen_lengths(arguments)
    random = Random(arguments.seed)
    sample = [each.length for each in recorded or ()] or [lengths(random) for _ in range(1000)]
    limits = setup.rules.limits
    capacity = setup.cost.capacity(sum(sample) / len(sample), limits.max_tokens, limits.max_rows)
    print(f"full batches without padding would carry {capacity:.0f} requests a second")
    for rate in arguments.rates or [load * capacity for load in arguments.loads]:
        if recorded is not None:
            yield rate, at_rate(recorded, rate)
        else:
            count = max(10, int(rate * arguments.seconds))
            yield (
                rate,
                bursts(rate, count, lengths=lengths, seed=arguments.seed, burst=arguments.burst),
            )


def chosen_lengths(arguments: argparse.Namespace) -> Lengths:
    if arguments.lengths_from:
        return lengths_from(arguments.lengths_from, by_character=arguments.characters)
    return uniform_lengths if arguments.lengths == "uniform" else lognormal_lengths


def main(argv: Sequence[str] | None = None) -> list[Point]:
    """Simulates every load and prints what became of it."""
    arguments = build_parser().parse_args(argv)
    setup = setup_of(arguments)
    loads = list(loads_of(arguments, setup))
    work = [(rate, requests, policy) for rate, requests in loads for policy in POLICIES]
    points = [
        Point(policy, rate, setup.run(policy, requests))
        for rate, requests, policy in track(work, "simulating", disable=not sys.stderr.isatty())
    ]
    print(table(points))
    most = carried(points, arguments.p99_ms / 1000)
    print(f"\nrequests a second with a p99 within {arguments.p99_ms:.0f} ms:")
    for policy in POLICIES:
        print(f"  {policy:<19} {most[policy]:7.0f}  (Heed: x {ratio(most, policy)})")
    if arguments.plot:
        draw(points, arguments.plot, title=f"simulated: {describe(setup.cost)}")
    return points


def describe(cost: ModelCost) -> str:
    return (
        f"{1e3 * cost.fixed_s:.3g} ms a batch, {1e6 * cost.step_s:.3g} us a token of the longest, "
        f"{1e6 * cost.token_s:.3g} us a padded token, {cost.workers} at once"
    )


def ratio(most: dict[str, float], policy: str) -> str:
    return f"{most[POLICIES[0]] / most[policy]:.2f}" if most[policy] else "-"


if __name__ == "__main__":
    main()
