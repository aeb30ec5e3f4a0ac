"""How far bulk work is, on standard error."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_REPORT_EVERY_S: Final = 10.0


class BulkProgress:
    """A bar if standard error is a terminal and the answers go elsewhere, else a line now and then.

    Args:
        total_bytes: How much there is to read, if it is known.
        bar: Whether to draw a bar.
    """

    def __init__(self, total_bytes: int | None, *, bar: bool) -> None:
        self._begin_s = time.monotonic()
        self._next_report_s = self._begin_s + _REPORT_EVERY_S
        self._answered_count = 0
        self._progress = _progress(has_total=total_bytes is not None) if bar else None
        if self._progress is not None:
            self._task = self._progress.add_task("", total=total_bytes, answered="0", rate="")

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def advance(self, byte_count: int) -> None:
        """Counts one more answer.

        Args:
            byte_count: How many bytes have been read altogether.
        """
        self._answered_count += 1
        now_s = time.monotonic()
        rate = f"{self._answered_count / max(now_s - self._begin_s, 1e-3):,.0f}/s"
        answered = f"{self._answered_count:,}"
        if self._progress is not None:
            self._progress.update(self._task, completed=byte_count, answered=answered, rate=rate)
        elif now_s >= self._next_report_s and not sys.stdout.isatty():
            self._next_report_s = now_s + _REPORT_EVERY_S
            print(f"heed: {answered} lines answered ({rate})", file=sys.stderr)


def _progress(*, has_total: bool) -> Progress:
    columns = [
        SpinnerColumn(),
        TextColumn("{task.fields[answered]} lines"),
        TextColumn("{task.fields[rate]}"),
    ]
    if has_total:
        columns += [BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeRemainingColumn()]
    columns.append(TimeElapsedColumn())
    console = Console(stderr=True)
    # The answers on standard output are not for the bar's terminal.
    return Progress(
        *columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False
    )
