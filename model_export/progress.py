"""Progress on standard error: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

_PLAIN_INTERVAL_S = 10.0


class ProgressDisplay(Protocol):
    """Shows how far a piece of work has come."""

    def update(self, completed: int, message: str) -> None:
        """Shows `completed` units of the whole, and a short message."""

    def line(self, text: str) -> None:
        """Shows a line that stays."""


@contextmanager
def progress_display(title: str, total: int) -> Iterator[ProgressDisplay]:
    """A display on standard error for `total` units of work.

    In a terminal it is a bar. Elsewhere it is a line every ten seconds.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _PlainDisplay(title, total)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[message]}"),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=total, message="")
        yield _TerminalDisplay(progress, task)


class _TerminalDisplay:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def update(self, completed: int, message: str) -> None:
        self._progress.update(self._task, completed=completed, message=message)

    def line(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)


class _PlainDisplay:
    def __init__(self, title: str, total: int) -> None:
        self._title = title
        self._total = total
        self._next_s = time.monotonic() + _PLAIN_INTERVAL_S

    def update(self, completed: int, message: str) -> None:
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + _PLAIN_INTERVAL_S
            self.line(f"{self._title} {completed}/{self._total} {message}")

    def line(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)
