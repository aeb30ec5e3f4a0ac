"""What other programs take of the processors while something is measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

import psutil


class Disturbance:
    """Compares the machine's processor time with that of the processes that are measured.

    Args:
        own_cpu_s: Tell the processor time of each of those processes so far, in seconds.

    Attributes:
        others_share: The share of all processors that others kept busy inside the block, 0 to 1.
    """

    def __init__(self, own_cpu_s: Sequence[Callable[[], float]]) -> None:
        self._own_cpu_s = own_cpu_s
        self._begin = (0.0, 0.0, 0.0)
        self.others_share = 0.0

    def __enter__(self) -> Self:
        self._begin = self._now()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            return
        total, busy, own = (
            end - begin for end, begin in zip(self._now(), self._begin, strict=True)
        )
        self.others_share = max(0.0, busy - own) / total if total > 0 else 0.0

    def _now(self) -> tuple[float, float, float]:
        """Processor time since the machine's start: all, busy, and of the processes measured."""
        times = psutil.cpu_times()
        total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        idle = times.idle + getattr(times, "iowait", 0.0)
        this = psutil.Process().cpu_times()
        own = sum(tell() for tell in self._own_cpu_s) + this.user + this.system
        return total, total - idle, own
