"""Fuzzes whatever takes input from outside, for a time, and counts.

Usage: python tools/fuzz.py [--seconds-each S] [--only NAME]

An input that breaks something is made as small as it goes and printed; then the exit status is 1.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.fuzz.targets import TARGETS, Target

ROUND: Final = 2_000
"""Inputs until the clock is looked at; each round begins with another seed."""


@dataclass
class Counts:
    """What was done to a target.

    Attributes:
        executions: How often it was run.
        distinct: Digests of the inputs.
        failures: How many rounds found an input that breaks it.
        seconds: How long that took.
    """

    executions: int = 0
    distinct: set[bytes] = field(default_factory=set)
    failures: int = 0
    seconds: float = 0.0

    def row(self, name: str) -> str:
        """A row of the table."""
        cells = (f"{self.executions:,}", f"{len(self.distinct):,}", str(self.failures))
        return f"| {name} | {' | '.join(cells)} | {self.seconds:.0f} |"


def fuzz(target: Target, seconds: float, first_seed: int) -> Counts:
    """Runs a target for a time; stops at the first round that finds something."""
    counts = Counts()
    began = time.monotonic()

    def check(value: Any) -> None:
        counts.executions += 1
        counts.distinct.add(hashlib.blake2b(repr(value).encode(errors="replace")).digest()[:8])
        target.check(value)

    while time.monotonic() - began < seconds and not counts.failures:
        try:
            _round(target, first_seed + counts.executions)(check)
        except Exception as error:  # noqa: BLE001  (whatever it is, it is what was looked for)
            counts.failures += 1
            notes = "\n".join(getattr(error, "__notes__", []))
            print(f"{target.name}: {type(error).__name__}: {error}\n{notes}", file=sys.stderr)
    counts.seconds = time.monotonic() - began
    return counts


def _round(target: Target, number: int) -> Any:
    profile = settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )

    def run(check: Any) -> None:
        seed(number)(profile(given(target.inputs)(check)))()

    return run


def main() -> int:
    """Runs the targets and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds-each", type=float, default=20.0, metavar="S")
    parser.add_argument("--only", choices=sorted(TARGETS), metavar="NAME")
    arguments = parser.parse_args()
    first_seed = random.SystemRandom().randrange(2**32)
    print(f"seed {first_seed}\n")
    print("| target | executions | distinct inputs | failures | seconds |")
    print("|---|---:|---:|---:|---:|")
    failures = 0
    for name, target in TARGETS.items():
        if arguments.only in (None, name):
            counts = fuzz(target, arguments.seconds_each, first_seed)
            failures += counts.failures
            print(counts.row(name), flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
