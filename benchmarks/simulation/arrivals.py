"""When requests come and how long they are."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

SHORTEST, LONGEST = 4, 60
Lengths = Callable[[Random], int]


@dataclass(eq=False, slots=True)
class Request:
    """One row on its way, as the policy sees it.

    Attributes:
        arrival: When it came, in seconds.
        length: Its tokens.
        model: Whose it is.
        is_bulk: Whether interactive ones go first.
        deadline: When its answer is of no use any more, in seconds; None for never.
        answered: When its answer came; None if it has none.
        max_rows: The most rows of its batch: no limit of its own.
    """

    arrival: float
    length: int
    model: str = "model"
    is_bulk: bool = False
    deadline: float | None = None
    answered: float | None = field(default=None)
    max_rows: None = None

    @property
    def target(self) -> str:
        """What may share a batch."""
        return self.model

    @property
    def is_gone(self) -> bool:
        """Callers here wait for their answer."""
        return False


def lognormal_lengths(random: Random) -> int:
    """4 to 60 tokens, most of them about 15: sentences."""
    return min(max(round(math.exp(random.gauss(2.7, 0.6))), SHORTEST), LONGEST)


def uniform_lengths(random: Random) -> int:
    """4 to 60 tokens, all equally often."""
    return random.randint(SHORTEST, LONGEST)


def lengths_from(path: Path, *, by_character: bool) -> Lengths:
    """Lengths of the lines of a file, drawn at random.

    Raises:
        SystemExit: The file has no text.
    """
    lines = [line.strip() for line in path.read_text().splitlines() if line.strip()]
    if not lines:
        raise SystemExit(f"{path} holds no text")
    lengths = [len(line) if by_character else len(line.split()) for line in lines]
    return lambda random: random.choice(lengths)


def poisson(rate: float, count: int, *, lengths: Lengths, seed: int) -> list[Request]:
    """Requests that come independently of each other, so many a second."""
    return bursts(rate, count, lengths=lengths, seed=seed, burst=1)


def bursts(rate: float, count: int, *, lengths: Lengths, seed: int, burst: int) -> list[Request]:
    """Requests that come `burst` at a time, so many a second on average."""
    random, now, requests = Random(seed), 0.0, []
    while len(requests) < count:
        now += random.expovariate(rate / burst)
        requests += [Request(now, lengths(random)) for _ in range(burst)]
    return requests[:count]


def read_trace(path: Path) -> list[Request]:
    """Recorded requests: a CSV file with a line `arrival_s,length` first.

    Raises:
        SystemExit: A line is not like that; the message names it.
    """
    requests = []
    with path.open(newline="") as file:
        for number, line in enumerate(csv.DictReader(file), start=2):
            try:
                requests.append(Request(float(line["arrival_s"]), int(line["length"])))
            except (KeyError, TypeError, ValueError) as error:
                raise SystemExit(
                    f"{path}:{number}: expected a heading arrival_s,length and two numbers"
                ) from error
    if not requests:
        raise SystemExit(f"{path} holds no requests")
    return sorted(requests, key=lambda request: request.arrival)


def at_rate(recorded: Sequence[Request], rate: float) -> list[Request]:
    """Recorded requests, made faster or slower so that so many come a second on average."""
    first, last = recorded[0].arrival, recorded[-1].arrival
    stretch = (len(recorded) / rate) / max(last - first, 1e-9)
    return [Request((each.arrival - first) * stretch, each.length) for each in recorded]
