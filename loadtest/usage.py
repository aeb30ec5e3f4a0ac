"""Processor time and memory of processes while a load runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import psutil

MACHINE: Final = "whole machine"
"""The name under which all processes of the machine together are counted."""

_INTERVAL_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class UsagePoint:
    """One look at the processes.

    Attributes:
        time_s: When, in seconds since 1970.
        cpu_s: Processor time so far, in seconds, by process, their children included; that of
            the `MACHINE` too.
        resident_bytes: Memory, by process, their children included.
    """

    time_s: float
    cpu_s: Mapping[str, float]
    resident_bytes: Mapping[str, int]


@dataclass(frozen=True)
class Usage:
    """What processes used during a load.

    Attributes:
        points: Looks at them, in order.
    """

    points: Sequence[UsagePoint]

    @property
    def names(self) -> tuple[str, ...]:
        """The processes."""
        names = self.points[0].cpu_s if self.points else ()
        return tuple(name for name in names if name != MACHINE)

    @property
    def other_cores(self) -> float:
        """Processors that everything else on the machine kept busy on average."""
        return max(0.0, self.cores(MACHINE) - sum(self.cores(name) for name in self.names))

    @property
    def seconds(self) -> float:
        """From the first look to the last."""
        return self.points[-1].time_s - self.points[0].time_s if self.points else 0.0

    def cpu_s(self, name: str) -> float:
        """Processor time of a process during the load, in seconds."""
        known = [point.cpu_s[name] for point in self.points if name in point.cpu_s]
        return max(known) - known[0] if known else 0.0

    def cores(self, name: str) -> float:
        """Processors that a process kept busy on average."""
        return self.cpu_s(name) / self.seconds if self.seconds else 0.0

    def most_bytes(self, name: str) -> int:
        """The most memory that a process held, in bytes."""
        return max((point.resident_bytes.get(name, 0) for point in self.points), default=0)


class UsageWatch:
    """Looks at processes twice a second, for a block.

    Args:
        process_ids: The processes, by name.
    """

    def __init__(self, process_ids: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in process_ids.items()}
        self._points: list[UsagePoint] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="processor time and memory")

    def __enter__(self) -> Self:
        self._points.append(self._look())
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()
        self._points.append(self._look())

    @property
    def usage(self) -> Usage:
        """What they used so far."""
        return Usage(tuple(self._points))

    def _watch(self) -> None:
        while not self._end.wait(_INTERVAL_S):
            self._points.append(self._look())

    def _look(self) -> UsagePoint:
        cpu_s, resident = {MACHINE: _busy_s()}, dict[str, int]()
        for name, process in self._processes.items():
            try:
                cpu_s[name], resident[name] = _of_process(process)
            except psutil.NoSuchProcess:
                continue  # it has ended; what it used is in the point before
        return UsagePoint(time.time(), cpu_s, resident)


def _busy_s() -> float:
    """Processor time of the whole machine so far, in seconds."""
    times = psutil.cpu_times()._asdict()
    counted_twice = ("guest", "guest_nice")
    idle = ("idle", "iowait", "steal")
    return float(sum(times[name] for name in times if name not in (*counted_twice, *idle)))


def _of_process(process: psutil.Process) -> tuple[float, int]:
    """Processor seconds and bytes of a process and its children."""
    with process.oneshot():
        times, resident = process.cpu_times(), process.memory_info().rss
    seconds = times.user + times.system
    for child in process.children(recursive=True):
        try:
            with child.oneshot():
                child_times = child.cpu_times()
                seconds += child_times.user + child_times.system
                resident += child.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return float(seconds), int(resident)
