"""The models that the gateway serves, and the choice of the version that answers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from service.backends.merging import VersionRules
from service.backends.model_catalogue import ModelCatalogue
from service.backends.replica_watcher import ReplicaWatcher
from service.backends.replicas.pool import ReplicaPool
from service.backends.replicas.replica import Replica
from service.backends.version_choice import pick_canary
from service.call_record import current_request_id, note_model
from service.domain.models import LoadedVersion, ModelSelector, ModelState, Readiness, VersionKey
from service.errors import (
    InvalidRequestError,
    ModelContractError,
    ModelNotReadyError,
    ModelServerUnreachableError,
    ServiceError,
    UnknownLabelError,
    UnknownModelError,
    UnknownVersionError,
)
from service.metrics.models import ModelMetrics
from service.security.callers import current_caller

_ANY_VERSION: Final = ModelSelector()


class ModelRegistry:
    """Knows every model served, and which versions of it are ready.

    Args:
        pool: The model servers.
        models: The models, at least one, each with how its versions are chosen.
        poll_interval_s: Seconds between questions to a model server about one model.
        metrics: Shows what is ready.
        absence: Why nothing is ready while there is no model server.
    """

    def __init__(
        self,
        pool: ReplicaPool,
        models: Mapping[str, VersionRules],
        *,
        poll_interval_s: float,
        metrics: ModelMetrics,
        absence: str = "the model server is starting",
    ) -> None:
        self._pool = pool
        self._poll_interval_s = poll_interval_s
        self._changed = asyncio.Event()
        self._catalogues = {
            name: ModelCatalogue(
                name, models[name], metrics=metrics, absence=absence, on_change=self._announce
            )
            for name in sorted(models)
        }
        self._watchers: dict[Replica, dict[str, ReplicaWatcher]] = {}
        self._tasks: dict[Replica, list[asyncio.Task[None]]] = {}
        self._group: asyncio.TaskGroup | None = None
        pool.listen(self)

    @property
    def states(self) -> tuple[ModelState, ...]:
        """Every model, ordered by name."""
        return tuple(catalogue.state for catalogue in self._catalogues.values())

    @property
    def changed(self) -> asyncio.Event:
        """Is set, once, when a state next changes. Take it before reading `states`."""
        return self._changed

    async def run(self) -> None:
        """Follows every model on every model server for as long as it is not cancelled."""
        async with asyncio.TaskGroup() as self._group:
            for replica in self._pool.replicas:
                self.joined(replica)
            await asyncio.Event().wait()

    async def wait_until_ready(self) -> None:
        """Returns once every model can answer."""
        while True:
            changed = self.changed
            if all(state.is_ready for state in self.states):
                return
            await changed.wait()

    def joined(self, replica: Replica) -> None:
        """Follows a model server that joined."""
        if self._group is None:
            return
        watchers = {
            name: ReplicaWatcher(
                replica, catalogue, self._pool, poll_interval_s=self._poll_interval_s
            )
            for name, catalogue in self._catalogues.items()
        }
        self._watchers[replica] = watchers
        self._tasks[replica] = [
            self._group.create_task(watcher.run(), name=f"watch {name} on {replica.name}")
            for name, watcher in watchers.items()
        ]

    def left(self, replica: Replica) -> None:
        """Forgets a model server that left."""
        for task in self._tasks.pop(replica, ()):
            task.cancel()
        self._watchers.pop(replica, None)
        for catalogue in self._catalogues.values():
            catalogue.remove(replica)

    def in_trouble(self, replica: Replica, key: VersionKey) -> None:
        """Asks a model server soon, because a call to it failed."""
        watcher = self._watchers.get(replica, {}).get(key.name)
        if watcher is not None:
            watcher.wake()

    def state(self, selector: ModelSelector) -> ModelState:
        """The model that a caller names.

        Raises:
            UnknownModelError: It is not served here.
            InvalidRequestError: No name was given and there are several models.
        """
        return self._catalogue(selector.name).state

    def resolve(self, selector: ModelSelector) -> LoadedVersion:
        """The version that answers.

        Raises:
            UnknownModelError: The model is not served here.
            UnknownVersionError: The version asked for is not ready.
            UnknownLabelError: The model has no such label.
            UnavailableError: No version is ready now.
            ModelContractError: The model's versions break their contract.
            InvalidRequestError: No name was given and there are several models.
        """
        catalogue = self._catalogue(selector.name)
        state = catalogue.state
        if not state.is_ready:
            raise _why_not_ready(state)
        if selector.version is not None or selector.label:
            return _chosen(_named(state, selector))
        version = pick_canary(
            state.canaries,
            model=state.name,
            call_id=current_request_id(),
            seed=catalogue.rules.seed,
        )
        found = None if version is None else state.find(version)
        return _chosen(found or state.current or state.versions[0])

    def describe(self, selector: ModelSelector) -> tuple[ModelState, LoadedVersion | None]:
        """A model, and the version that a selector names or calls go to; None if none is ready.

        Raises:
            NotFoundError: The model is not served here, or the version named not ready.
            InvalidRequestError: No name was given and there are several models.
        """
        state = self.state(selector)
        if selector.version is not None or selector.label:
            return state, _named(state, selector)
        return state, state.current

    async def resolve_after(
        self, gone: VersionKey, selector: ModelSelector = _ANY_VERSION
    ) -> LoadedVersion:
        """The version that answers a call instead of one that was found to be gone.

        The model servers are asked first, unless another version is known to be ready.

        Args:
            gone: The version that does not count any more.
            selector: What the caller asked for.

        Raises:
            UnknownVersionError: The caller asked for no other.
            ServiceError: As `resolve`.
        """
        catalogue = self._catalogues[gone.name]
        if selector.version is not None:
            raise _unknown_version(catalogue.state, gone)
        if selector.label or not _others(catalogue.state, gone):
            await self._refresh(gone.name)
        state = catalogue.state
        if selector.label:
            found = _named(state, selector)
            if found.key == gone:
                raise _unknown_version(state, gone)
            return _chosen(found)
        others = _others(state, gone)
        if not others:
            raise _why_not_ready(state)
        return _chosen(next((each for each in others if each is state.current), others[0]))

    def report_broken_answer(self, key: VersionKey) -> None:
        """Has a version tried again, because an answer of it broke the contract."""
        for replica, watchers in self._watchers.items():
            if replica.offers(key):
                watchers[key.name].suspect(key.version)

    async def _refresh(self, model: str) -> None:
        """Asks the model servers; those that have not answered of late are not waited for."""
        await asyncio.gather(
            *(
                watchers[model].refresh()
                for replica, watchers in self._watchers.items()
                if replica.knows(model) and not replica.is_doubtful
            )
        )

    def _catalogue(self, name: str) -> ModelCatalogue:
        caller = current_caller()
        names = caller.permitted(self._catalogues)
        if not name:
            if len(names) != 1:
                raise InvalidRequestError.of(
                    "model.name", f"must name one of the models: {', '.join(names) or 'none'}"
                )
            name = names[0]
        caller.check_model(name)
        if name not in self._catalogues:
            raise UnknownModelError(name, names)
        note_model(name)
        return self._catalogues[name]

    def _announce(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _chosen(version: LoadedVersion) -> LoadedVersion:
    note_model(version.key.name, version.key.version)
    return version


def _named(state: ModelState, selector: ModelSelector) -> LoadedVersion:
    """The version that a caller asks for by its number or label."""
    version = selector.version
    if version is None:
        version = state.labels.get(selector.label)
        if version is None:
            raise UnknownLabelError(state.name, selector.label, sorted(state.labels))
    found = state.find(version)
    if found is None:
        raise UnknownVersionError(state.name, version, state.version_numbers)
    return found


def _others(state: ModelState, gone: VersionKey) -> list[LoadedVersion]:
    return [loaded for loaded in state.versions if loaded.key != gone]


def _unknown_version(state: ModelState, gone: VersionKey) -> UnknownVersionError:
    ready = [version for version in state.version_numbers if version != gone.version]
    return UnknownVersionError(gone.name, gone.version, ready)


def _why_not_ready(state: ModelState) -> ServiceError:
    if state.readiness is Readiness.UNREACHABLE:
        return ModelServerUnreachableError(state.name)
    if state.readiness is Readiness.REFUSED:
        return ModelContractError(
            f"model {state.name!r} is not served: {state.status_message}", {"model": state.name}
        )
    return ModelNotReadyError(state.name, state.status_message)
