"""The whole search: start, warm up, search twice, measure the result, check the generator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from loadtest.generator_check import cross_check, measure_ceiling
from loadtest.locust_run import LoadPlan
from loadtest.machine import this_machine
from loadtest.measuring import Bench, Measured, prepared_texts
from loadtest.objectives import Objectives
from loadtest.report import SearchResults
from loadtest.search import Found, Steps, find_highest_rate, first_that_holds
from loadtest.servers import heed_stack

Tell = Callable[[str], None]
FINAL_TRIALS: Final = 5
"""Rates that are measured for longer, at most, until one holds."""


@dataclass(frozen=True)
class SearchSettings:
    """What a search is told.

    Attributes:
        base_path: The model's folder, above its versions.
        objectives: What has to be met.
        seconds: How long each rate is tried, in seconds.
        final_seconds: How long the rate that is found is measured, and lower ones if it fails.
        warm_up_s: How long users who wait ask before.
        searches: How often it is searched, 1 or more.
        most_trials: Rates that a search tries at most, 1 or more.
        seed: Decides everything random.
        load_flags: More flags of the locustfile.
        gateway_flags: More flags of the gateway.
        texts: A file of texts; None: made ones.
        command: The command that repeats it.
    """

    base_path: Path
    objectives: Objectives
    seconds: float = 8.0
    final_seconds: float = 30.0
    warm_up_s: float = 8.0
    searches: int = 2
    most_trials: int = 14
    seed: int = 1
    load_flags: Sequence[str] = ()
    gateway_flags: Sequence[str] = ()
    texts: Path | None = None
    command: str = "make loadtest"


def search(settings: SearchSettings, tell: Tell) -> SearchResults:
    """Makes the search and tells of each step.

    Raises:
        LoadTestError: Something does not start, or nothing is answered.
    """
    began_at = datetime.now(UTC).isoformat(timespec="seconds")
    tell(f"starting a model server and a gateway for {settings.base_path.name} ...")
    with (
        heed_stack(settings.base_path, gateway_flags=settings.gateway_flags) as stack,
        prepared_texts(stack.address, file=settings.texts, seed=settings.seed) as texts,
    ):
        plan = LoadPlan(
            stack.address,
            texts.path,
            seconds=settings.seconds,
            seed=settings.seed,
            flags=settings.load_flags,
        )
        bench = Bench(stack, plan, settings.objectives)
        capacity = bench.warm_up(settings.warm_up_s)
        tell(f"warm: users who wait for each answer get {capacity:.1f} answers a second")
        found = search_again_and_again(
            bench,
            first_rate=0.7 * capacity,
            searches=settings.searches,
            steps=Steps(most=settings.most_trials),
            tell=tell,
        )
        rate = min(each.rate for each in found) or found[0].trials[-1].rate or 1.0
        tell(f"for {settings.final_seconds:.0f} s:")
        held = first_that_holds(
            _told(lambda rate: bench.measure(rate, seconds=settings.final_seconds), tell),
            rate=rate,
            steps=Steps(most=FINAL_TRIALS),
        )
        final_rate = held.trials[-1].rate or 1.0
        check_s = min(10.0, settings.final_seconds)
        ceiling = measure_ceiling(plan, seconds=check_s / 2)
        tell(f"the load generator's own ceiling: {ceiling.requests_per_s:.0f} requests/s")
        checked = cross_check(bench, rate=max(1.0, final_rate / 2), seconds=check_s)
        return SearchResults(
            model=settings.base_path.name,
            command=settings.command,
            began_at=began_at,
            machine=this_machine(),
            objectives=settings.objectives,
            texts=texts,
            capacity=capacity,
            searches=found,
            held=held,
            ceiling=ceiling,
            cross_check=checked,
        )


def search_again_and_again(
    bench: Bench, *, first_rate: float, searches: int, steps: Steps, tell: Tell
) -> list[Found[Measured]]:
    """Searches several times; each begins where the one before ended, with other arrivals."""
    found: list[Found[Measured]] = []
    for number in range(1, searches + 1):
        tell(f"search {number} of {searches}:")
        rate = found[-1].rate if found and found[-1].rate else first_rate
        seeded = Bench(bench.stack, bench.plan.seeded(bench.plan.seed + number), bench.objectives)
        found.append(find_highest_rate(_told(seeded.measure, tell), first_rate=rate, steps=steps))
        tell(f"  {found[-1].rate:.1f} requests/s")
    return found


def line(measured: Measured) -> str:
    """A load in a line."""
    load = measured.load
    times = ", ".join(
        f"{name} {1e3 * load.latency_s(share):.0f} ms"
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    )
    met = "met" if measured.is_met else "not met: " + "; ".join(measured.broken)
    return f"{load.requests_per_s:.1f} requests/s, {times}: {met}"


def _told(attempt: Callable[[float], Measured], tell: Tell) -> Callable[[float], Measured]:
    """Tells of each rate, and tries one again that failed while other programs were busy."""

    def attempt_and_tell(rate: float) -> Measured:
        measured = attempt(rate)
        tell(f"  {rate:8.1f}/s: {line(measured)}")
        if not measured.is_met and measured.is_disturbed:
            measured = attempt(rate)
            tell(f"  disturbed, again: {line(measured)}")
        return measured

    return attempt_and_tell
