"""What a load test found, before it is written down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.generator_check import Ceiling, CrossCheck
from loadtest.machine import Machine
from loadtest.measuring import Measured, Texts
from loadtest.objectives import Objectives
from loadtest.search import AGREEMENT, Found, agreement


@dataclass(frozen=True)
class SearchResults:
    """What a search found.

    Attributes:
        model: The model's name.
        command: The command that repeats it.
        began_at: When, as ISO 8601.
        machine: Where.
        objectives: What had to be met.
        texts: What was sent.
        capacity: Answers a second to users who wait.
        searches: Every search for the highest rate.
        held: The rate found, and lower ones if it failed, measured for longer.
        ceiling: What the load generator can send.
        cross_check: The final rate by another tool too; None where it is not installed.
    """

    model: str
    command: str
    began_at: str
    machine: Machine
    objectives: Objectives
    texts: Texts
    capacity: float
    searches: Sequence[Found[Measured]]
    held: Found[Measured]
    ceiling: Ceiling
    cross_check: CrossCheck | None

    @property
    def rate(self) -> float:
        """The highest rate that met the objectives for longer; 0 if none did."""
        return self.held.rate

    @property
    def final(self) -> Measured:
        """The last rate measured for longer."""
        return self.held.trials[-1]

    @property
    def disagreement(self) -> float:
        """How far the searches lie apart, as a share of the highest."""
        return agreement([found.rate for found in self.searches])

    @property
    def noise(self) -> list[str]:
        """Why the figures should not be trusted, in words; empty on a quiet machine."""
        noise = []
        if self.disagreement > AGREEMENT:
            noise.append(f"the searches lie {self.disagreement:.0%} apart")
        if self.final.is_disturbed:
            noise.append(
                f"other programs kept {self.final.usage.other_cores:.2f} of its processors busy"
            )
        return noise

    @property
    def failures(self) -> list[str]:
        """What was not met, in words; empty: everything was."""
        failures = [f"at the final rate: {broken}" for broken in self.final.broken]
        least = self.objectives.requests_per_s.least
        if self.rate < least:
            failures.append(f"{self.rate:.1f} requests/s are fewer than {least:g}")
        return failures
