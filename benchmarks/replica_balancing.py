"""How calls fare with several model servers of which one is slow, by how the server is chosen.

The gateway's own pool, the very class that serves, sends batches to simulated model servers in
virtual time. Each works on one batch at a time and takes `fixed + token * padded tokens`; one of
them takes several times as long. Batches come at random times, of the lengths that callers send.
The same batches go round robin, at random, and to whoever has the fewest outstanding tokens,
without and with ejection of the slow one.

    python benchmarks/replica_balancing.py
    python benchmarks/replica_balancing.py --replicas 5 --slow-times 10 --loads 0.4 0.6 0.8
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import logging
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, cast

import numpy as np
from rich.console import Console
from rich.table import Table

from heed.contract import Signature
from service.backends.model_server import ModelServer
from service.backends.replicas.addresses import Endpoint
from service.backends.replicas.load import padded_tokens
from service.backends.replicas.outliers import EjectionRules
from service.backends.replicas.pool import PoolRules, ReplicaPool
from service.domain.models import VersionKey
from service.domain.signatures import Array, Predictor, PredictTarget
from service.metrics import Metrics
from tests.support.virtual_time import run_in_virtual_time

FIXED_S, TOKEN_S = 0.008, 0.00004
TARGET = PredictTarget(VersionKey("m", 1), Signature.GREEDY, ("tokens",))
ROWS = (1, 2, 4, 8, 16, 32)
LENGTHS = (4, 60)
TIMEOUT_S = 3600.0


def seconds_of(tokens: float) -> float:
    """How long a batch of so many padded tokens takes a model server that is not slow."""
    return FIXED_S + TOKEN_S * tokens


class SimulatedServer:
    """Works on one batch at a time; the others wait their turn.

    Args:
        slowness: How many times as long as others it takes.
    """

    def __init__(self, slowness: float) -> None:
        self._slowness = slowness
        self._turn = asyncio.Lock()

    async def predict(
        self, target: PredictTarget, inputs: Mapping[str, Array], *, timeout_s: float
    ) -> Mapping[str, Array]:
        """Takes its time."""
        async with self._turn:
            await asyncio.sleep(self._slowness * seconds_of(padded_tokens(target, inputs)))
        return {}

    async def close(self, *, grace_s: float = 0.0) -> None:
        """Nothing to end."""


class Turns:
    """Sends batches to the servers in an order that does not look at them."""

    def __init__(self, servers: Sequence[SimulatedServer], choose: Callable[[], int]) -> None:
        self._servers = servers
        self._choose = choose

    async def predict(
        self, target: PredictTarget, inputs: Mapping[str, Array], *, timeout_s: float
    ) -> Mapping[str, Array]:
        """Runs one batch."""
        server = self._servers[self._choose()]
        return await server.predict(target, inputs, timeout_s=timeout_s)


def round_robin(servers: Sequence[SimulatedServer], rng: Random) -> Predictor:
    """One after the other."""
    turns = itertools.cycle(range(len(servers)))
    return Turns(servers, lambda: next(turns))


def at_random(servers: Sequence[SimulatedServer], rng: Random) -> Predictor:
    """Any of them."""
    return Turns(servers, lambda: rng.randrange(len(servers)))


def least_tokens(servers: Sequence[SimulatedServer], rng: Random) -> Predictor:
    """The pool, without ejection."""
    return _pool(servers, rng, EjectionRules(failures_in_a_row=0))


def least_tokens_ejecting(servers: Sequence[SimulatedServer], rng: Random) -> Predictor:
    """The pool as it is by default."""
    return _pool(servers, rng, EjectionRules())


def _pool(servers: Sequence[SimulatedServer], rng: Random, rules: EjectionRules) -> Predictor:
    by_name = {str(index): server for index, server in enumerate(servers)}
    pool = ReplicaPool(
        lambda endpoint: cast(ModelServer, by_name[endpoint.address]),
        PoolRules(ejection=rules),
        Metrics().replicas,
        rng=rng,
    )
    pool.set_endpoints([Endpoint(name) for name in by_name])
    for replica in pool.replicas:
        replica.offer(TARGET.model.name, frozenset({TARGET.model.version}))
    return pool


POLICIES = {
    "round robin": round_robin,
    "random": at_random,
    "least outstanding tokens": least_tokens,
    "the same, slow ones ejected": least_tokens_ejecting,
}


@dataclass(frozen=True)
class Setup:
    """What stays the same between policies."""

    replicas: int
    slow_times: float
    batches: int
    seed: int

    @property
    def slownesses(self) -> list[float]:
        """How slow each model server is; the first one is the slow one."""
        return [self.slow_times, *[1.0] * (self.replicas - 1)]

    def capacity(self) -> float:
        """Batches a second that all model servers together can carry."""
        mean_tokens = statistics.mean(ROWS) * statistics.mean(LENGTHS)
        return sum(1 / slowness for slowness in self.slownesses) / seconds_of(mean_tokens)


async def latencies_of(name: str, setup: Setup, load: float) -> list[float]:
    """What every batch took from its arrival to its answer, in seconds, ascending."""
    rng = Random(setup.seed)
    servers = [SimulatedServer(slowness) for slowness in setup.slownesses]
    predictor = POLICIES[name](servers, Random(setup.seed + 1))
    loop = asyncio.get_running_loop()
    latencies: list[float] = []

    async def send(inputs: dict[str, Array]) -> None:
        began = loop.time()
        await predictor.predict(TARGET, inputs, timeout_s=TIMEOUT_S)
        latencies.append(loop.time() - began)

    async with asyncio.TaskGroup() as group:
        for _ in range(setup.batches):
            await asyncio.sleep(rng.expovariate(load * setup.capacity()))
            shape = (rng.choice(ROWS), rng.randint(*LENGTHS))
            group.create_task(send({"tokens": np.zeros(shape, np.int32)}))
    return sorted(latencies)


def row_of(name: str, setup: Setup, load: float) -> list[Any]:
    """One line of the table: the policy, and its latencies in milliseconds."""
    latencies = run_in_virtual_time(latencies_of(name, setup, load))
    points = [
        statistics.mean(latencies),
        *(latencies[int(len(latencies) * q)] for q in (0.5, 0.99)),
    ]
    return [name, *(1000 * seconds for seconds in points)]


def table_of(setup: Setup, load: float) -> Table:
    """All policies at one load; p99 also as a multiple of the best one's."""
    rows = [row_of(name, setup, load) for name in POLICIES]
    best = min(row[3] for row in rows)
    table = Table(
        title=f"load {load:.0%} of what all of them carry", title_justify="left", box=None
    )
    for heading in ("choice", "mean ms", "p50 ms", "p99 ms", "p99 / best"):
        table.add_column(heading, justify="left" if heading == "choice" else "right")
    for name, mean, median, high in rows:
        table.add_row(name, f"{mean:.1f}", f"{median:.1f}", f"{high:.1f}", f"{high / best:.2f}")
    return table


def main() -> None:
    """Simulates and prints."""
    parser = argparse.ArgumentParser(description="Choosing among model servers, in virtual time.")
    parser.add_argument("--replicas", type=int, default=3, help="model servers (default: 3)")
    parser.add_argument(
        "--slow-times", type=float, default=4.0, help="how slow one is (default: 4)"
    )
    parser.add_argument("--loads", type=float, nargs="+", default=[0.3, 0.6, 0.8], metavar="SHARE")
    parser.add_argument("--batches", type=int, default=6000, help="per policy (default: 6000)")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    setup = Setup(arguments.replicas, arguments.slow_times, arguments.batches, arguments.seed)
    logging.disable()  # each ejection is told
    console = Console(width=100)
    console.print(f"{setup.replicas} model servers, one of them {setup.slow_times:g} times as slow")
    for load in arguments.loads:
        console.print(table_of(setup, load))


if __name__ == "__main__":
    main()
