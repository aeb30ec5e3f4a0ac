"""Samples on their way to a file: from this process, or from the workers to their master."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtest.samples import Sample

_KEY: Final = "heed_samples"
_MOST_WAITING: Final = 200


class Recorder:
    """Writes the samples of a run. Workers hand theirs to the master, with locust's statistics.

    Args:
        environment: The run.
        path: Where samples are written; None: nowhere.
    """

    def __init__(self, environment: Environment, path: Path | None) -> None:
        self._path = path
        self._waiting: list[str] = []
        self._is_worker = isinstance(environment.runner, WorkerRunner)
        if path is None:
            return
        if self._is_worker:
            environment.events.report_to_master.add_listener(self._hand_over)
            return
        path.write_text("", encoding="utf-8")
        environment.events.quitting.add_listener(self._quit)
        environment.events.test_stop.add_listener(self._quit)
        if isinstance(environment.runner, MasterRunner):
            environment.events.worker_report.add_listener(self._take_over)

    def add(self, sample: Sample) -> None:
        """Keeps a sample."""
        if self._path is None:
            return
        self._waiting.append(sample.to_json())
        if not self._is_worker and len(self._waiting) >= _MOST_WAITING:
            self._write()

    def _hand_over(self, client_id: str, data: dict[str, Any]) -> None:
        del client_id
        data[_KEY], self._waiting = self._waiting, []

    def _take_over(self, client_id: str, data: Mapping[str, Iterable[str]]) -> None:
        del client_id
        self._waiting.extend(data.get(_KEY, ()))
        self._write()

    def _quit(self, **given: object) -> None:
        del given
        self._write()

    def _write(self) -> None:
        if self._path is None or not self._waiting:
            return
        with self._path.open("a", encoding="utf-8") as file:
            file.write("\n".join(self._waiting) + "\n")
        self._waiting = []
