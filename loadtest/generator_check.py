"""Is the load generator the bottleneck? Its own ceiling, and what another tool measures."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from loadtest.foreign import ForeignLoad, find_k6, run_k6
from loadtest.instant_server import READY
from loadtest.locust_run import GENERATOR, LoadPlan, run_load
from loadtest.measuring import Bench, Measured
from loadtest.servers import Server, Stack, running
from loadtest.texts import read_texts

INSTANT_SERVER: Final = "instant server"
_READY_LINE: Final = re.compile(rf"{READY} (?P<address>\S+)")
_CEILING_USERS: Final = 64


@dataclass(frozen=True)
class Ceiling:
    """What the load generator can send.

    Attributes:
        requests_per_s: Requests a second to a server that answers at once.
        cpu_s: Its processor time for each, in seconds.
        p99_s: Within how many seconds 99 % were answered.
    """

    requests_per_s: float
    cpu_s: float
    p99_s: float


@dataclass(frozen=True)
class CrossCheck:
    """The same rate from two generators, one after the other, at equal gaps.

    Attributes:
        ours: From this one.
        foreign: From k6.
    """

    ours: Measured
    foreign: ForeignLoad


@contextmanager
def instant_stack() -> Iterator[Stack]:
    """A server that answers at once."""
    command = [sys.executable, "-m", "loadtest.instant_server"]
    with running(INSTANT_SERVER, command) as process:
        address = process.wait_for(_READY_LINE)["address"]
        yield Stack(address, (Server(INSTANT_SERVER, address, process.id),))


def measure_ceiling(plan: LoadPlan, *, seconds: float = 5.0) -> Ceiling:
    """What the load generator can send, with the texts and flags of a plan."""
    with instant_stack() as stack:
        load, usage = run_load(
            replace(
                plan,
                address=stack.address,
                rate=None,
                users=_CEILING_USERS,
                seconds=seconds,
                flags=(),
            ),
            stack.process_ids,
        )
    return Ceiling(
        requests_per_s=load.throughput,
        cpu_s=usage.cores(GENERATOR) / load.throughput,
        p99_s=load.latency_s(0.99),
    )


def cross_check(bench: Bench, *, rate: float, seconds: float) -> CrossCheck | None:
    """The same load by both generators; None where k6 is not installed."""
    k6 = find_k6()
    if k6 is None:
        return None
    ours = bench.measure(rate, seconds=seconds, flags=("--spacing", "even"))
    foreign = run_k6(
        k6, bench.stack.address, read_texts(bench.plan.texts), rate=rate, seconds=round(seconds)
    )
    return CrossCheck(ours, foreign)
