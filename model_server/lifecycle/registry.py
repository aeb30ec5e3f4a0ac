"""All models of the server: configured, watched, managed and looked up in one place."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from model_server.lifecycle.config import ModelConfig
from model_server.lifecycle.labels import Labels
from model_server.lifecycle.manager import Loader, LoadPolicy, VersionManager
from model_server.lifecycle.polling import FolderSource, PeriodicTask
from model_server.lifecycle.serving import ServingTable
from model_server.lifecycle.states import StateMonitor, VersionState
from model_server.servables.servable import Servable, ServableId
from model_server.status import Code, StatusError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WatchPolicy:
    """How the disk is watched.

    Attributes:
        poll_interval_s: Pause between two looks at the base paths; 0: look once; negative: never.
        config_interval_s: Pause between two reads of the configuration file; 0: read it once.
        allow_labels_for_unavailable: Let new labels name versions that are not available yet.
    """

    poll_interval_s: float
    config_interval_s: float = 0
    allow_labels_for_unavailable: bool = False


@dataclass(frozen=True)
class NewModels:
    """Models that a configuration has added.

    Attributes:
        names: Their names.
        since: How many changes of state had been reported before they were added.
    """

    names: frozenset[str]
    since: int


class ModelRegistry:
    """The server's models.

    Args:
        loader: Loads one version.
        loads: How loads are run.
        watch: How the disk is watched.
    """

    def __init__(self, loader: Loader, loads: LoadPolicy, watch: WatchPolicy) -> None:
        self.states = StateMonitor()
        self._table = ServingTable()
        self._labels = Labels(self._table, allow_unavailable=watch.allow_labels_for_unavailable)
        self._manager = VersionManager(loader, loads, table=self._table, states=self.states)
        self._source = FolderSource(self._manager)
        self._watch = watch
        self._tasks: list[PeriodicTask] = []
        self._config_lock = threading.Lock()
        self._names: frozenset[str] = frozenset()

    def start(self) -> None:
        """Starts managing versions and watching the disk."""
        self._manager.start()
        if self._watch.poll_interval_s > 0:
            self._start_task("folder-poll", self._source.poll, self._watch.poll_interval_s)

    def end_start(self) -> None:
        """All models can be used: what loads from now on must leave room for requests."""
        self._manager.end_start()

    def watch_config(self, read: Callable[[], tuple[ModelConfig, ...]]) -> None:
        """Reads the configuration again and again, if it is to be watched, and applies it."""
        if self._watch.config_interval_s > 0:
            work = _config_watch(self, read)
            self._start_task("config-poll", work, self._watch.config_interval_s)

    def apply(self, models: Iterable[ModelConfig]) -> NewModels:
        """Makes this the whole configuration.

        Returns:
            The models that are new in it, to be waited for.

        Raises:
            StatusError: FAILED_PRECONDITION when a label cannot be assigned; nothing has changed.
        """
        models = tuple(models)
        with self._config_lock:
            self._labels.replace(models)
            changes = self.states.changes
            self._source.set_models(models)
            known, self._names = self._names, frozenset(model.name for model in models)
            if self._watch.poll_interval_s >= 0:
                self._source.poll()
            return NewModels(self._names - known, changes)

    def wait_until_available(
        self, models: NewModels, *, timeout_s: float, called: str = "model(s)"
    ) -> bool:
        """Waits until each of the models can be used; False when the time is up first.

        Args:
            models: What to wait for.
            timeout_s: How long, in seconds.
            called: What the message calls those that failed.

        Raises:
            StatusError: UNKNOWN, naming the versions, when a model's newest version has failed.
        """
        settled = self.states.wait_until_settled(
            models.names, timeout_s=timeout_s, since=models.since
        )
        failed = [
            f"{ServableId(name, found.version)} due to error: {found.error}}}, "
            for name, found in sorted(settled.items())
            if found is not None and found.error is not None
        ]
        if failed:
            raise StatusError(
                Code.UNKNOWN,
                f"{len(failed)} {called} did not become available: {{{''.join(failed)}}}",
            )
        return all(settled.values())

    def lease(self, model_spec: Any) -> AbstractContextManager[Servable]:
        """Holds the version that a `ModelSpec` names, for the length of a request.

        Raises:
            StatusError: INVALID_ARGUMENT without a name or for an unknown label; NOT_FOUND when
                the model or version is not available.
        """
        if not model_spec.name:
            raise StatusError(Code.INVALID_ARGUMENT, "ModelSpec has no name specified.")
        return self._table.lease(model_spec.name, self._wanted_version(model_spec))

    def version_states(self, name: str) -> list[VersionState]:
        """All versions of a model that were ever wanted, newest first."""
        return self.states.versions(name)

    def stop(self) -> None:
        """Stops watching, cancels what runs and frees all versions."""
        for task in self._tasks:
            task.stop()
        self._manager.stop()

    def _wanted_version(self, model_spec: Any) -> int | None:
        match model_spec.WhichOneof("version_choice"):
            case "version":
                return int(model_spec.version.value)
            case "version_label":
                return self._labels.version(model_spec.name, model_spec.version_label)
            case _:
                return None

    def _start_task(self, name: str, work: Callable[[], None], interval_s: float) -> None:
        task = PeriodicTask(name, work, interval_s=interval_s)
        self._tasks.append(task)
        task.start()


def _config_watch(
    registry: ModelRegistry, read: Callable[[], tuple[ModelConfig, ...]]
) -> Callable[[], None]:
    def reload() -> None:
        try:
            registry.apply(read())
        except StatusError as error:
            logger.error("The configuration was not reloaded: %s", error)

    return reload
