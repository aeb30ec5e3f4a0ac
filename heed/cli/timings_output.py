"""Where the time of calls went, in words."""

from __future__ import annotations

import sys

from heed.client import Timings


class TimingsReport:
    """Adds up the times of calls. Results of one call bring the same `Timings`."""

    def __init__(self) -> None:
        self._last: Timings | None = None
        self._seconds: dict[str, float] = {}
        self._call_count = 0
        self._text_count = 0
        self._cached_count = 0

    def add(self, timings: Timings) -> None:
        """Takes the timings of one result."""
        self._text_count += 1
        if timings is self._last:
            return
        self._last = timings
        self._call_count += 1
        self._cached_count += timings.cached_result_count
        for name, seconds in {**timings.stages, "total": timings.total_s}.items():
            self._seconds[name] = self._seconds.get(name, 0.0) + seconds

    def lines(self) -> list[str]:
        """The report; stages without any time are left out."""
        counts = [_count(self._call_count, "call"), _count(self._text_count, "text")]
        if self._cached_count:
            counts.append(f"{self._cached_count} known already")
        stages = [
            f"{name} {1000 * seconds:.1f}"
            for name, seconds in self._seconds.items()
            if seconds >= 0.00005 or name == "total"
        ]
        return [
            f"heed: milliseconds in the gateway ({', '.join(counts)}):",
            "  " + ", ".join(stages),
        ]

    def print(self) -> None:
        """Prints the report on standard error, if there was any call."""
        if self._call_count:
            print(*self.lines(), sep="\n", file=sys.stderr)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
