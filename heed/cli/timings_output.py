"""Where the time of calls went, in words."""

from __future__ import annotations

import sys

from heed.client import Timings


class TimingsReport:
    """The times of calls on average. Results of one call bring the same `Timings`."""

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
        counts = "1 text" if self._text_count == 1 else f"{self._text_count} texts"
        if self._cached_count:
            counts += f", {self._cached_count} known already"
        means = {name: 1000 * sum_s / self._call_count for name, sum_s in self._seconds.items()}
        stages = [f"{name} {ms:.1f}" for name, ms in means.items() if ms >= 0.05 or name == "total"]
        return [
            f"heed: milliseconds of a call in the gateway, on average ({counts}):",
            "  " + ", ".join(stages),
        ]

    def print(self) -> None:
        """Prints the report on standard error, if there was any call."""
        if self._call_count:
            print(*self.lines(), sep="\n", file=sys.stderr)
