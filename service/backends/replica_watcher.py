"""Follows one model on one model server: which versions it has, and which of them are good."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from service.backends.merging import Reach, ReplicaView
from service.backends.model_catalogue import ModelCatalogue
from service.backends.model_server import ModelStatusError, VersionStatus
from service.backends.replicas.pool import ReplicaPool
from service.backends.replicas.replica import Replica
from service.backends.version_loader import load_version, try_version
from service.domain.models import LoadedVersion, VersionCondition, VersionKey
from service.errors import ModelContractError, ServiceError

STATUS_TIMEOUT_S: Final = 2.0
TIMEOUTS_UNTIL_UNREACHABLE: Final = 3
"""A busy model server may miss a question; one that misses three in a row is taken for gone."""
REFUSED_AGAIN_AFTER_S: Final = 30.0
"""How long a refused version is left alone before it is tried again."""
JITTER: Final = 0.2
"""Pauses differ by so large a share, so that questions do not come all at once."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    reason: str
    until: float


class ReplicaWatcher:
    """Keeps what is known of one model on one model server up to date. `run` is its one task.

    Args:
        replica: The model server; is told which versions it answers.
        catalogue: The model; is told the same, with the reasons.
        pool: Where the model server's calls go when it hangs.
        poll_interval_s: Seconds between questions.
    """

    def __init__(
        self,
        replica: Replica,
        catalogue: ModelCatalogue,
        pool: ReplicaPool,
        *,
        poll_interval_s: float,
    ) -> None:
        self._replica = replica
        self._catalogue = catalogue
        self._pool = pool
        self._poll_interval_s = poll_interval_s
        self._good: dict[int, LoadedVersion] = {}
        self._refused: dict[int, _Refusal] = {}
        self._unread: dict[int, str] = {}
        self._labels: dict[str, int] = {}
        self._suspects: set[int] = set()
        self._timeouts = 0
        self._wake = asyncio.Event()
        self._waiters: list[asyncio.Future[None]] = []

    def wake(self) -> None:
        """Has the model server asked soon."""
        self._wake.set()

    def suspect(self, version: int) -> None:
        """Has a version tried again soon, because an answer of it broke the contract."""
        self._suspects.add(version)
        self._wake.set()

    async def refresh(self) -> None:
        """Asks the model server now, and returns when its answer is known."""
        done = asyncio.get_running_loop().create_future()
        self._waiters.append(done)
        self._wake.set()
        await done

    async def run(self) -> None:
        """Asks for as long as it is not cancelled."""
        self._catalogue.put(self._replica, ReplicaView())
        try:
            while True:
                self._wake.clear()
                waiters, self._waiters = self._waiters, []
                await self._poll()
                _settle(waiters)
                pause_s = self._poll_interval_s * random.uniform(1 - JITTER, 1 + JITTER)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), pause_s)
        finally:
            _settle(self._waiters)

    async def _poll(self) -> None:
        name = self._catalogue.name
        try:
            statuses = await self._replica.server.model_status(name, timeout_s=STATUS_TIMEOUT_S)
        except ModelStatusError as error:
            self._note_status_error(error)
            return
        self._timeouts = 0
        self._replica.is_doubtful = False
        available = sorted((s.version for s in statuses if s.is_available), reverse=True)
        self._forget_all_but(available)
        await self._try_suspects()
        await self._load_new(available)
        await self._read_labels()
        self._publish(self._view(available, statuses))

    def _note_status_error(self, error: ModelStatusError) -> None:
        if error.is_busy:
            return
        self._timeouts = self._timeouts + 1 if error.is_timeout else 0
        self._replica.is_doubtful = not error.is_unknown_model
        if error.is_timeout and self._timeouts < TIMEOUTS_UNTIL_UNREACHABLE:
            return
        self._forget_all_but([])
        if error.is_unknown_model:
            self._publish(ReplicaView(Reach.UNKNOWN_MODEL))
            return
        self._publish(ReplicaView(Reach.UNREACHABLE, status_code=error.code.name))
        self._pool.give_up_calls(self._replica)

    def _forget_all_but(self, available: Sequence[int]) -> None:
        """Drops what is no longer there. A server that comes back is read anew."""
        self._good = {v: loaded for v, loaded in self._good.items() if v in available}
        self._refused = {v: refusal for v, refusal in self._refused.items() if v in available}
        self._suspects.intersection_update(self._good)
        self._labels = self._labels if available else {}

    async def _try_suspects(self) -> None:
        while self._suspects:
            version = self._suspects.pop()
            try:
                await try_version(self._replica.server, self._good[version])
            except ModelContractError as error:
                del self._good[version]
                self._refuse(version, error)
            except ServiceError:
                return  # it cannot be asked now, and nothing is known against it

    async def _load_new(self, available: Sequence[int]) -> None:
        self._unread = {}
        now = asyncio.get_running_loop().time()
        for version in available:
            refusal = self._refused.get(version)
            if version in self._good or (refusal is not None and refusal.until > now):
                continue
            try:
                await self._load(version)
            except ModelContractError as error:
                self._refuse(version, error)
            except ServiceError as error:
                self._unread[version] = str(error)

    async def _load(self, version: int) -> None:
        catalogue = self._catalogue
        key = VersionKey(catalogue.name, version)
        loaded = await load_version(self._replica.server, key, catalogue.known(version))
        catalogue.adopt(self._replica, loaded)
        self._good[version] = loaded
        self._refused.pop(version, None)

    def _refuse(self, version: int, error: ModelContractError) -> None:
        until = asyncio.get_running_loop().time() + REFUSED_AGAIN_AFTER_S
        self._refused[version] = _Refusal(error.message, until)
        self._catalogue.note_refusal(version, self._replica.name, error)

    async def _read_labels(self) -> None:
        """Asks what the followed labels stand for; a label not known here stands for nothing."""
        for label in self._catalogue.rules.followed_labels:
            try:
                version = await self._replica.server.labelled_version(
                    self._catalogue.name, label, timeout_s=STATUS_TIMEOUT_S
                )
            except ModelStatusError:
                return  # what was known before still holds
            self._labels.pop(label, None)
            if version is not None:
                self._labels[label] = version

    def _view(self, available: Sequence[int], statuses: Sequence[VersionStatus]) -> ReplicaView:
        problems = {s.version: (VersionCondition.FAILED, s.failure) for s in statuses if s.failure}
        for version, refusal in self._refused.items():
            problems[version] = (VersionCondition.REFUSED, refusal.reason)
        for version, why in self._unread.items():
            problems[version] = (VersionCondition.LOADING, why)
        good = tuple(self._good[version] for version in available if version in self._good)
        return ReplicaView(Reach.ANSWERS, good, problems, dict(self._labels))

    def _publish(self, view: ReplicaView) -> None:
        versions = frozenset(loaded.key.version for loaded in view.versions)
        answers = view.reach is Reach.ANSWERS
        self._replica.offer(self._catalogue.name, versions if answers else None)
        self._catalogue.put(self._replica, view)
        self._pool.report_health(self._replica)


def _settle(waiters: Sequence[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
