"""The servers that are measured, as processes of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from loadtest.servers import batching_flags, running_gateway, running_model_server

_EVERY: Final = sorted(os.sched_getaffinity(0))


class Half(Enum):
    """A part of the processors."""

    FIRST = auto()
    SECOND = auto()


@contextmanager
def processors(half: Half, *, apart: bool) -> Iterator[None]:
    """Keeps this process, and those it starts inside, to a part of the processors it has (Linux).

    Those started before keep theirs.

    Args:
        half: The part.
        apart: Whether to; all of them if not.
    """
    before = os.sched_getaffinity(0)
    middle = (len(_EVERY) + 1) // 2
    part = _EVERY[:middle] if half is Half.FIRST else _EVERY[middle:]
    if apart and part:
        os.sched_setaffinity(0, part)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Server(NamedTuple):
    """A running server: where it listens, and its process."""

    address: str
    process_id: int

    def cpu_s(self) -> float:
        """Processor time so far, in seconds."""
        times = psutil.Process(self.process_id).cpu_times()
        return float(times.user + times.system)


@contextmanager
def model_server(base_path: Path, *flags: str) -> Iterator[Server]:
    """A local model server for one model."""
    with running_model_server(base_path, flags) as server:
        yield Server(server.address, server.process_id)


@contextmanager
def batching_model_server(base_path: Path, *, rows: int, threads: int = 1) -> Iterator[Server]:
    """One that batches itself, by TensorFlow Serving's rules, and pads."""
    with (
        batching_flags(rows=rows, threads=threads) as flags,
        model_server(base_path, *flags) as server,
    ):
        yield server


@contextmanager
def gateway(server: Server, model: str, flags: Sequence[str] = ()) -> Iterator[Server]:
    """A gateway before a model server."""
    with running_gateway(server.address, model, flags) as found:
        yield Server(found.address, found.process_id)
