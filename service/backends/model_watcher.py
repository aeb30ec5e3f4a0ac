"""Follows one model: which of its versions the model server has, and which of them are good."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from service.backends.model_server import ModelServer, ModelStatusError, VersionStatus
from service.backends.version_loader import load_version, try_version
from service.domain.models import LoadedVersion, ModelState, Readiness, VersionKey
from service.errors import ModelContractError, ServiceError

logger = logging.getLogger(__name__)

STATUS_TIMEOUT_S: Final = 2.0
TIMEOUTS_UNTIL_UNREACHABLE: Final = 3
"""A busy model server may miss a question; one that misses three in a row is taken for gone."""
REFUSED_AGAIN_AFTER_S: Final = 30.0
"""How long a refused version is left alone before it is tried again."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    reason: str
    until: float


class ModelWatcher:
    """Keeps the state of one model up to date. `run` is the one task that changes it.

    Args:
        server: Whom to ask.
        name: The model's name.
        poll_interval_s: Seconds between questions.
        on_change: Called whenever `state` was replaced by a different one.
    """

    def __init__(
        self,
        server: ModelServer,
        name: str,
        *,
        poll_interval_s: float,
        on_change: Callable[[], None],
    ) -> None:
        self._server = server
        self._poll_interval_s = poll_interval_s
        self._on_change = on_change
        self._state = ModelState(name)
        self._loaded: dict[int, LoadedVersion] = {}
        self._refused: dict[int, _Refusal] = {}
        self._suspects: set[int] = set()
        self._timeouts = 0
        self._wake = asyncio.Event()
        self._waiters: list[asyncio.Future[None]] = []

    @property
    def state(self) -> ModelState:
        """The model as of the last question."""
        return self._state

    def suspect(self, version: int) -> None:
        """Has a version tried again soon, because an answer of it broke the contract."""
        self._suspects.add(version)
        self._wake.set()

    async def refresh(self) -> None:
        """Asks the model server now, and returns when the state shows its answer."""
        done = asyncio.get_running_loop().create_future()
        self._waiters.append(done)
        self._wake.set()
        await done

    async def run(self) -> None:
        """Asks for as long as it is not cancelled."""
        while True:
            self._wake.clear()
            waiters, self._waiters = self._waiters, []
            await self._poll()
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._poll_interval_s)

    async def _poll(self) -> None:
        try:
            statuses = await self._server.model_status(self._state.name, timeout_s=STATUS_TIMEOUT_S)
        except ModelStatusError as error:
            self._note_status_error(error)
            return
        self._timeouts = 0
        available = sorted((s.version for s in statuses if s.is_available), reverse=True)
        self._forget_all_but(available)
        await self._try_suspects()
        problem = await self._load_new(available)
        self._publish(self._assess(available, statuses, problem))

    def _note_status_error(self, error: ModelStatusError) -> None:
        self._timeouts = self._timeouts + 1 if error.is_timeout else 0
        if error.is_timeout and self._timeouts < TIMEOUTS_UNTIL_UNREACHABLE:
            return
        self._forget_all_but([])
        name = self._state.name
        if error.is_unknown_model:
            message = f"the model server has no model {name!r}"
            self._publish(ModelState(name, Readiness.LOADING, status_message=message))
        elif not self._server.has_address:
            message = "the model server is starting"
            self._publish(ModelState(name, Readiness.LOADING, status_message=message))
        else:
            message = f"the model server does not answer ({error.code.name})"
            self._publish(ModelState(name, Readiness.UNREACHABLE, status_message=message))

    def _forget_all_but(self, available: Sequence[int]) -> None:
        """Drops what is no longer there. A server that comes back is read anew."""
        self._loaded = {v: loaded for v, loaded in self._loaded.items() if v in available}
        self._refused = {v: refusal for v, refusal in self._refused.items() if v in available}
        self._suspects.intersection_update(self._loaded)

    async def _try_suspects(self) -> None:
        while self._suspects:
            version = self._suspects.pop()
            try:
                await try_version(self._server, self._loaded[version])
            except ModelContractError as error:
                del self._loaded[version]
                self._refuse(version, error)
            except ServiceError as error:
                logger.warning("could not try %s again: %s", self._label(version), error)

    async def _load_new(self, available: Sequence[int]) -> str:
        """Loads versions that are new here; returns why one is still missing, or an empty text."""
        problem = ""
        now = asyncio.get_running_loop().time()
        for version in available:
            refusal = self._refused.get(version)
            if version in self._loaded or (refusal is not None and refusal.until > now):
                continue
            try:
                await self._load(version)
            except ModelContractError as error:
                self._refuse(version, error)
            except ServiceError as error:
                problem = f"version {version} could not be read yet: {error}"
        return problem

    async def _load(self, version: int) -> None:
        key = VersionKey(self._state.name, version)
        self._loaded[version] = await load_version(self._server, key)
        self._refused.pop(version, None)
        logger.info("%s is ready", self._label(version))

    def _refuse(self, version: int, error: ModelContractError) -> None:
        until = asyncio.get_running_loop().time() + REFUSED_AGAIN_AFTER_S
        self._refused[version] = _Refusal(error.message, until)
        logger.error("%s is refused: %s", self._label(version), error)

    def _assess(
        self, available: Sequence[int], statuses: Sequence[VersionStatus], problem: str
    ) -> ModelState:
        versions = tuple(self._loaded[v] for v in available if v in self._loaded)
        newest = versions[0].key.version if versions else -1
        notes = [
            f"version {version} was refused: {refusal.reason}"
            for version, refusal in sorted(self._refused.items(), reverse=True)
            if version > newest
        ]
        notes += [
            f"version {status.version} could not be loaded by the model server: {status.failure}"
            for status in statuses
            if status.failure and status.version > newest
        ]
        notes += [problem] if problem else []
        if not versions and not notes:
            notes = ["the model server has no version ready"]
        readiness = Readiness.READY if versions else Readiness.LOADING
        if self._refused and not versions:
            readiness = Readiness.REFUSED
        return ModelState(self._state.name, readiness, versions, "; ".join(notes))

    def _publish(self, state: ModelState) -> None:
        if state == self._state:
            return
        if state.status_message != self._state.status_message and state.status_message:
            logger.warning("model %s is %s: %s", state.name, state.readiness, state.status_message)
        self._state = state
        self._on_change()

    def _label(self, version: int) -> str:
        return f"version {version} of model {self._state.name}"
