"""The machine and the software that figures come from."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

import heed

_CPU_FILE: Final = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Machine:
    """Where the figures come from.

    Attributes:
        processor: Its name.
        processor_count: How many threads it runs at once.
        memory_bytes: Its memory.
        system: The operating system.
        software: Versions, by name.
    """

    processor: str
    processor_count: int
    memory_bytes: int
    system: str
    software: dict[str, str]


def this_machine() -> Machine:
    """This one."""
    return Machine(
        processor=_processor(),
        processor_count=psutil.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        system=f"{platform.system()} {platform.release()}",
        software={"heed": heed.__version__, "python": platform.python_version()},
    )


def _processor() -> str:
    if _CPU_FILE.exists():
        for line in _CPU_FILE.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
