"""The models that the gateway serves, and the choice of the version that answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from service.backends.model_server import ModelServer
from service.backends.model_watcher import ModelWatcher
from service.call_record import note_model
from service.domain.models import LoadedVersion, ModelSelector, ModelState, Readiness, VersionKey
from service.errors import (
    InvalidRequestError,
    ModelContractError,
    ModelNotReadyError,
    ModelServerUnreachableError,
    ServiceError,
    UnknownModelError,
    UnknownVersionError,
)
from service.security.callers import current_caller


class ModelRegistry:
    """Knows every model served, and which versions of it are ready.

    Args:
        server: The model server.
        names: The models, at least one.
        poll_interval_s: Seconds between questions to the model server.
    """

    def __init__(self, server: ModelServer, names: Sequence[str], poll_interval_s: float) -> None:
        self._changed = asyncio.Event()
        self._watchers = {
            name: ModelWatcher(
                server, name, poll_interval_s=poll_interval_s, on_change=self._announce
            )
            for name in sorted(names)
        }

    @property
    def states(self) -> tuple[ModelState, ...]:
        """Every model, ordered by name."""
        return tuple(watcher.state for watcher in self._watchers.values())

    @property
    def changed(self) -> asyncio.Event:
        """Is set, once, when a state next changes. Take it before reading `states`."""
        return self._changed

    async def run(self) -> None:
        """Follows every model for as long as it is not cancelled."""
        async with asyncio.TaskGroup() as group:
            for name, watcher in self._watchers.items():
                group.create_task(watcher.run(), name=f"watch model {name}")

    async def wait_until_ready(self) -> None:
        """Returns once every model can answer."""
        while True:
            changed = self.changed
            if all(state.is_ready for state in self.states):
                return
            await changed.wait()

    def state(self, selector: ModelSelector) -> ModelState:
        """The model that a caller names.

        Raises:
            ModelNotPermittedError: The caller may not use it.
            UnknownModelError: It is not served here.
            InvalidRequestError: No name was given and there are several models.
        """
        return self._watcher(selector.name).state

    def resolve(self, selector: ModelSelector) -> LoadedVersion:
        """The version that answers.

        Raises:
            UnknownModelError: The model is not served here.
            UnknownVersionError: The version asked for is not ready.
            UnavailableError: No version is ready now.
            ModelContractError: The model's versions break their contract.
            InvalidRequestError: No name was given and there are several models.
        """
        state = self.state(selector)
        if not state.is_ready:
            raise _why_not_ready(state)
        if selector.version is None:
            return _chosen(state.versions[0])
        found = state.find(selector.version)
        if found is None:
            raise UnknownVersionError(state.name, selector.version, state.version_numbers)
        return _chosen(found)

    async def resolve_after(self, gone: VersionKey) -> LoadedVersion:
        """The newest version after one was found to be gone; asks the model server first.

        Raises:
            ServiceError: As `resolve`; the version that is gone does not count.
        """
        watcher = self._watchers[gone.name]
        await watcher.refresh()
        others = [loaded for loaded in watcher.state.versions if loaded.key != gone]
        if not others:
            raise _why_not_ready(watcher.state)
        return _chosen(others[0])

    def report_broken_answer(self, key: VersionKey) -> None:
        """Has a version tried again, because an answer of it broke the contract."""
        self._watchers[key.name].suspect(key.version)

    def _watcher(self, name: str) -> ModelWatcher:
        caller = current_caller()
        names = caller.permitted(self._watchers)
        if not name:
            if len(names) != 1:
                raise InvalidRequestError.of(
                    "model.name", f"must name one of the models: {', '.join(names)}"
                )
            name = names[0]
        caller.check_model(name)
        if name not in self._watchers:
            raise UnknownModelError(name, names)
        note_model(name)
        return self._watchers[name]

    def _announce(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _chosen(version: LoadedVersion) -> LoadedVersion:
    note_model(version.key.name, version.key.version)
    return version


def _why_not_ready(state: ModelState) -> ServiceError:
    if state.readiness is Readiness.UNREACHABLE:
        return ModelServerUnreachableError(state.name)
    if state.readiness is Readiness.REFUSED:
        return ModelContractError(
            f"model {state.name!r} is not served: {state.status_message}", {"model": state.name}
        )
    return ModelNotReadyError(state.name, state.status_message)
