"""Loads and unloads versions, one thread owning all of their states.

Everything that changes a version happens on the manager's own thread, as an event: new wishes of
the source, the end of a load, the end of an unload. Loading and unloading themselves run in threads
of their own, so a slow or broken version of one model never holds up another.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from model_server.lifecycle.policy import ActionKind, VersionView, next_action
from model_server.lifecycle.serving import ServableHandle, ServingTable
from model_server.lifecycle.states import State, StateMonitor
from model_server.lifecycle.storage import Fingerprint, fingerprint
from model_server.servables.servable import Servable, ServableId
from model_server.status import Code, StatusError

Loader = Callable[[ServableId, Path], Servable]
_STOP_LOADS_S = 30.0
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadPolicy:
    """How loads are run.

    Attributes:
        concurrent_loads: How many versions load at once, 1 or more.
        concurrent_loads_at_start: The same, until `end_start` is called.
        max_retries: Attempts after the first failure, 0 or more.
        retry_interval_s: Pause before each further attempt, 0 or more.
    """

    concurrent_loads: int
    max_retries: int
    retry_interval_s: float
    concurrent_loads_at_start: int = 1


@dataclass
class _Version:
    """A version under management. Only the manager's thread touches it."""

    servable_id: ServableId
    path: Path
    wanted: bool = True
    state: State = State.START
    failures: int = 0
    error: StatusError | None = None
    retry_at: float | None = None
    tried: Fingerprint = field(default=())


class VersionManager:
    """Keeps the versions that serve in step with those that are wanted.

    Args:
        loader: Loads one version, warm-up included; raises StatusError when it cannot.
        policy: How loads are run.
        table: Receives what can serve.
        states: Receives every change of state.
    """

    def __init__(
        self, loader: Loader, policy: LoadPolicy, *, table: ServingTable, states: StateMonitor
    ) -> None:
        self._loader = loader
        self._policy = policy
        self._table = table
        self._states = states
        self._models: dict[str, dict[int, _Version]] = {}
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._loads: set[threading.Thread] = set()
        self._unloads: dict[threading.Thread, ServableHandle] = {}
        self._stopping = False
        self._concurrent_loads = max(policy.concurrent_loads, policy.concurrent_loads_at_start)
        self._thread = threading.Thread(target=self._run, name="version-manager", daemon=True)

    def start(self) -> None:
        """Starts the manager's thread."""
        self._thread.start()

    def set_wanted(self, name: str, folders: Mapping[int, Path]) -> None:
        """Replaces the versions that are wanted of a model; none: unload it."""
        self._events.put(partial(self._apply_wanted, name, dict(folders)))

    def end_start(self) -> None:
        """From now on load as many versions at once as are allowed while serving."""
        self._concurrent_loads = self._policy.concurrent_loads

    def stop(self) -> None:
        """Stops all versions; requests that still run are cancelled. Returns when all is freed."""
        self._events.put(self._stop)
        self._thread.join()
        for load in list(self._loads):
            load.join(_STOP_LOADS_S)
        for thread, handle in list(self._unloads.items()):
            handle.servable.session.cancel()
            thread.join()
        for handle in self._table.handles():
            self._table.remove(handle.servable.servable_id)
            handle.servable.session.cancel()
            _free(handle)

    def _run(self) -> None:
        while not self._stopping:
            try:
                event = self._events.get(timeout=self._seconds_to_next_retry())
            except queue.Empty:
                event = _nothing
            event()
            for versions in list(self._models.values()):
                self._advance(versions)

    def _stop(self) -> None:
        self._stopping = True

    def _apply_wanted(self, name: str, folders: Mapping[int, Path]) -> None:
        versions = self._models.setdefault(name, {})
        for number, version in list(versions.items()):
            version.wanted = number in folders
            if not version.wanted:
                self._drop_if_idle(version)
        for number, path in folders.items():
            known = versions.get(number)
            if known is None or self._worth_another_try(known, path):
                self._begin(_Version(ServableId(name, number), path))

    def _worth_another_try(self, version: _Version, path: Path) -> bool:
        """True for a failed version whose folder was changed since it was tried."""
        if version.state is not State.END:
            return False
        return path != version.path or fingerprint(path) != version.tried

    def _begin(self, version: _Version) -> None:
        self._models[version.servable_id.name][version.servable_id.version] = version
        self._report(version, State.START)

    def _drop_if_idle(self, version: _Version) -> None:
        """Forgets an unwanted version that is not loaded and not about to be."""
        waiting = version.retry_at is not None
        if version.state is State.START or waiting:
            version.retry_at = None
            self._report(version, State.END)
        if version.state is State.END:
            del self._models[version.servable_id.name][version.servable_id.version]

    def _advance(self, versions: Mapping[int, _Version]) -> None:
        for version in list(versions.values()):
            if version.retry_at is not None and version.retry_at <= time.monotonic():
                self._start_load(version)
        while action := next_action(_views(versions)):
            version = versions[action.version]
            if action.kind is ActionKind.UNLOAD:
                self._start_unload(version)
            elif not self._start_load(version):
                return

    def _start_load(self, version: _Version) -> bool:
        """Starts a load if fewer than allowed are running; False when it has to wait."""
        if len(self._loads) >= self._concurrent_loads:
            return False
        version.retry_at = None
        if version.state is not State.LOADING:
            self._report(version, State.LOADING)
        thread = threading.Thread(
            target=self._load, args=(version,), name=f"load-{version.servable_id}", daemon=True
        )
        self._loads.add(thread)
        thread.start()
        return True

    def _load(self, version: _Version) -> None:
        thread, tried = threading.current_thread(), fingerprint(version.path)
        try:
            servable = self._loader(version.servable_id, version.path)
        except StatusError as error:
            failure = error
        except Exception as error:  # whatever went wrong, the version must end and say so
            logger.exception("Loading %s failed", version.servable_id)
            failure = StatusError(Code.INTERNAL, f"{type(error).__name__}: {error}")
        else:
            self._events.put(partial(self._loaded, version, servable, thread=thread))
            return
        self._events.put(partial(self._load_failed, version, failure, tried=tried, thread=thread))

    def _loaded(self, version: _Version, servable: Servable, *, thread: threading.Thread) -> None:
        self._loads.discard(thread)
        self._table.add(ServableHandle(servable))
        self._report(version, State.AVAILABLE)
        logger.info("Successfully loaded servable version %s", version.servable_id)

    def _load_failed(
        self,
        version: _Version,
        error: StatusError,
        *,
        tried: Fingerprint,
        thread: threading.Thread,
    ) -> None:
        self._loads.discard(thread)
        version.failures += 1
        version.error, version.tried = error, tried
        logger.error("Loading servable: %s failed: %s", version.servable_id, error)
        if version.wanted and version.failures <= self._policy.max_retries:
            version.retry_at = time.monotonic() + self._policy.retry_interval_s
            return
        self._report(version, State.END)
        if not version.wanted:
            self._drop_if_idle(version)

    def _start_unload(self, version: _Version) -> None:
        self._report(version, State.UNLOADING)
        handle = self._table.remove(version.servable_id)
        thread = threading.Thread(
            target=self._unload,
            args=(version, handle),
            name=f"unload-{version.servable_id}",
            daemon=True,
        )
        self._unloads[thread] = handle
        thread.start()

    def _unload(self, version: _Version, handle: ServableHandle) -> None:
        _free(handle)
        self._events.put(partial(self._unloaded, version, thread=threading.current_thread()))

    def _unloaded(self, version: _Version, *, thread: threading.Thread) -> None:
        del self._unloads[thread]
        self._report(version, State.END)
        logger.info("Done unloading servable version %s", version.servable_id)
        if version.wanted:  # it came back while it was being unloaded
            self._begin(_Version(version.servable_id, version.path))
        else:
            self._drop_if_idle(version)

    def _report(self, version: _Version, state: State) -> None:
        version.state = state
        error = version.error if state is State.END else None
        self._states.report(version.servable_id, state, error=error)

    def _seconds_to_next_retry(self) -> float | None:
        due = [
            version.retry_at
            for versions in self._models.values()
            for version in versions.values()
            if version.retry_at is not None
        ]
        return max(0.0, min(due) - time.monotonic()) if due else None


def _views(versions: Mapping[int, _Version]) -> list[VersionView]:
    return [
        VersionView(number, version.state, version.wanted) for number, version in versions.items()
    ]


def _free(handle: ServableHandle) -> None:
    handle.retire()
    handle.servable.session.close()


def _nothing() -> None:
    """The event of a retry that has come due: looking at the versions is all it takes."""
