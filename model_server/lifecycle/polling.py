"""Threads that look at the file system again and again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from model_server.lifecycle.config import ModelConfig
from model_server.lifecycle.manager import VersionManager
from model_server.lifecycle.storage import BasePathError, wanted_versions

logger = logging.getLogger(__name__)


class PeriodicTask:
    """Calls something at a fixed pause, in a thread of its own.

    Args:
        name: The thread's name.
        work: What to call. Its failures are logged; the next call comes all the same.
        interval_s: The pause between two calls, more than 0.
    """

    def __init__(self, name: str, work: Callable[[], None], *, interval_s: float) -> None:
        self._work = work
        self._interval_s = interval_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start; the first call comes after one pause."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, and wait for a call that is under way."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._interval_s):
            try:
                self._work()
            except Exception:  # a watcher that dies would leave the server silently out of date
                logger.exception("%s failed", self._thread.name)


class FolderSource:
    """Tells the manager which versions are wanted, from what lies on disk. Thread-safe.

    A base path that cannot be read changes nothing: what serves goes on serving.
    """

    def __init__(self, manager: VersionManager) -> None:
        self._manager = manager
        self._models: tuple[ModelConfig, ...] = ()
        self._troubled: dict[str, str] = {}
        self._lock = threading.Lock()

    def set_models(self, models: Iterable[ModelConfig]) -> None:
        """Replaces the models. Those no longer among them are unloaded."""
        with self._lock:
            known, self._models = self._models, tuple(models)
            kept = {model.name for model in self._models}
            for model in known:
                if model.name not in kept:
                    self._manager.set_wanted(model.name, {})

    def poll(self) -> None:
        """Looks at every base path once."""
        with self._lock:
            for model in self._models:
                self._poll_model(model)

    def _poll_model(self, model: ModelConfig) -> None:
        try:
            folders = wanted_versions(model.base_path, model.policy)
        except BasePathError as error:
            self._report_trouble(model.name, str(error))
            return
        self._report_trouble(model.name, "" if folders else f"No versions in {model.base_path}")
        self._manager.set_wanted(model.name, folders)

    def _report_trouble(self, name: str, trouble: str) -> None:
        """Logs what is wrong with a model's folder once, not at every poll."""
        if trouble and self._troubled.get(name) != trouble:
            logger.warning("Model %s: %s", name, trouble)
        self._troubled[name] = trouble
