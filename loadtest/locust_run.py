"""Runs locust as a user would, and reads what became of every request."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from loadtest.errors import LoadTestError
from loadtest.samples import Load, load_of, read_samples
from loadtest.usage import Usage, UsageWatch

LOCUSTFILE: Final = Path(__file__).with_name("locustfile.py")
GENERATOR: Final = "load generator"

_USERS: Final = 10
_MARGIN_S: Final = 0.5
"""Requests are sent for so much longer, so that every second counts in full."""


@dataclass(frozen=True)
class LoadPlan:
    """A load to run.

    Attributes:
        address: Whom to ask.
        texts: A file of texts, one a line.
        rate: Requests a second; None: users who wait for answers.
        users: How many of those.
        seconds: How long, warm-up left out.
        warm_up_s: What comes before and is not counted.
        seed: Decides everything random.
        flags: More flags of the locustfile.
    """

    address: str
    texts: Path
    rate: float | None = None
    users: int = 32
    seconds: float = 10.0
    warm_up_s: float = 1.0
    seed: int = 1
    flags: Sequence[str] = ()

    @property
    def length_s(self) -> float:
        """How long requests are sent, warm-up included."""
        return self.warm_up_s + self.seconds

    def seeded(self, seed: int) -> LoadPlan:
        """The same with other chance."""
        return replace(self, seed=seed)

    def command(self, samples: Path) -> list[str]:
        """The command that runs it and writes samples to a file."""
        command = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless"]
        command += ["--host", self.address, "--only-summary"]
        command += ["--load-seconds", str(self.length_s + _MARGIN_S)]
        command += ["--exit-code-on-error", "0", "--loglevel", "ERROR"]
        command += ["--texts", str(self.texts), "--seed", str(self.seed), "--samples", str(samples)]
        users = _USERS if self.rate is not None else self.users
        command += ["--users", str(users), "--spawn-rate", str(users)]
        if self.rate is None:
            command.append("--closed")
        else:
            command += ["--rate-per-user", repr(self.rate / users)]
        return [*command, *self.flags]


def run_load(plan: LoadPlan, process_ids: Mapping[str, int]) -> tuple[Load, Usage]:
    """Runs a load.

    Args:
        plan: The load.
        process_ids: Processes to watch, by name; the load generator is added.

    Raises:
        LoadTestError: Locust failed, or sent nothing.
    """
    with tempfile.TemporaryDirectory(prefix="heed-locust-") as folder:
        samples, log = Path(folder, "samples"), Path(folder, "log")
        with log.open("wb") as output:
            locust = subprocess.Popen(
                plan.command(samples),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                with UsageWatch({**process_ids, GENERATOR: locust.pid}) as watch:
                    status = locust.wait()
            except BaseException:
                locust.terminate()
                locust.wait()
                raise
        if status != 0 or not samples.exists():
            end = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
            raise LoadTestError(f"locust failed with status {status}; it printed:\n{end}")
        load = load_of(read_samples(samples), warm_up_s=plan.warm_up_s, seconds=plan.seconds)
    if not load.samples:
        raise LoadTestError("locust sent nothing; give it more time or a higher rate")
    return load, _between(watch.usage, load)


def _between(usage: Usage, load: Load) -> Usage:
    """What was used while the requests that count were sent and answered."""
    begin_s = load.samples[0].due_s
    end_s = max(sample.due_s + sample.latency_s for sample in load.samples)
    points = [point for point in usage.points if begin_s - 0.5 <= point.time_s <= end_s + 0.5]
    return Usage(points)
