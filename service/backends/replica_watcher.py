"""Follows one model on one model server: which versions it has, and which of them are good."""

from __future__ import annotations

import asyncio
import contextlib
import logging
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
from service.errors import InternalError, ModelContractError, ServiceError

logger = logging.getLogger(__name__)

STATUS_TIMEOUT_S: Final = 2.0
TIMEOUTS_UNTIL_UNREACHABLE: Final = 3
"""A busy model server may miss a question; one that misses three in a row is taken for gone."""
REFUSED_AGAIN_AFTER_S: Final = 30.0
"""How long a refused version is left alone before it is tried again."""
SHORTEST_PAUSE_S: Final = 0.02
"""Failing calls have a model server asked again at once, but not more often than this."""
INTERNAL: Final = "the model server failed; the log says more"
"""What callers are told of failures whose words are for the log alone."""
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
        self._statuses: tuple[VersionStatus, ...] = ()
        self._work: asyncio.Task[None] | None = None
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
            async with asyncio.TaskGroup() as group:
                while True:
                    await self._ask(group)
        finally:
            _settle(self._waiters)

    async def _ask(self, group: asyncio.TaskGroup) -> None:
        """Asks once, has done what follows from the answer, and pauses."""
        self._wake.clear()
        waiters, self._waiters = self._waiters, []
        await self._poll(group)
        if self._work is None:
            _settle(waiters)
        else:
            self._work.add_done_callback(lambda _: _settle(waiters))
        await asyncio.sleep(SHORTEST_PAUSE_S)
        pause_s = self._poll_interval_s * random.uniform(1 - JITTER, 1 + JITTER)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), pause_s)

    async def _poll(self, group: asyncio.TaskGroup) -> None:
        name = self._catalogue.name
        try:
            statuses = await self._replica.server.model_status(name, timeout_s=STATUS_TIMEOUT_S)
        except ModelStatusError as error:
            self._note_status_error(error)
            return
        self._timeouts = 0
        self._replica.is_doubtful = False
        self._statuses = statuses
        self._forget_gone()
        if self._work is None and self._has_work():
            self._work = group.create_task(self._do_work(), name=f"try versions of {name}")
        self._publish_answers()

    @property
    def _available(self) -> list[int]:
        """The versions that the model server said it answers, newest first."""
        return sorted((s.version for s in self._statuses if s.is_available), reverse=True)

    def _has_work(self) -> bool:
        return bool(self._suspects or self._new() or self._catalogue.rules.followed_labels)

    def _new(self) -> list[int]:
        """Versions to read, newest first; those refused of late are left alone."""
        now = asyncio.get_running_loop().time()
        refused = {v for v, refusal in self._refused.items() if refusal.until > now}
        return [v for v in self._available if v not in self._good and v not in refused]

    async def _do_work(self) -> None:
        """What may take long, so that the model server is asked on meanwhile."""
        try:
            await self._try_suspects()
            await self._read_new()
            await self._read_labels()
        finally:
            self._work = None
        self._forget_all_but(self._available)
        self._publish_answers()

    def _forget_gone(self) -> None:
        """Drops the versions that went, but not the last ones while others are tried.

        A call that is sent to them is told that they went, waits for the trial and goes on with
        the version that came instead; without them it would be refused.
        """
        are_last = not self._good.keys() & set(self._available)
        if are_last and self._new() and not self._catalogue.answers_without(self._replica):
            return
        self._forget_all_but(self._available)

    def _note_status_error(self, error: ModelStatusError) -> None:
        if error.is_busy:
            return
        self._timeouts = self._timeouts + 1 if error.is_timeout else 0
        self._replica.is_doubtful = not error.is_unknown_model
        if error.is_timeout and self._timeouts < TIMEOUTS_UNTIL_UNREACHABLE:
            return
        self._statuses = ()
        self._forget_all_but([])
        if self._work is not None:
            self._work.cancel()
        if error.is_unknown_model:
            self._publish(ReplicaView(Reach.UNKNOWN_MODEL))
            return
        self._publish(ReplicaView(Reach.UNREACHABLE, status_code=error.code.name))
        self._pool.give_up_calls(self._replica)

    def _forget_all_but(self, available: Sequence[int]) -> None:
        """Drops what is no longer there. A server that comes back is read anew."""
        self._good = {v: loaded for v, loaded in self._good.items() if v in available}
        self._refused = {v: refusal for v, refusal in self._refused.items() if v in available}
        self._unread = {v: why for v, why in self._unread.items() if v in available}
        self._suspects.intersection_update(self._good)
        self._labels = self._labels if available else {}

    async def _try_suspects(self) -> None:
        while self._suspects:
            version = self._suspects.pop()
            loaded = self._good.get(version)
            if loaded is None:
                continue
            try:
                await try_version(self._replica.server, loaded)
            except ModelContractError as error:
                self._good.pop(version, None)
                self._refuse(version, error)
            except ServiceError:
                return  # it cannot be asked now, and nothing is known against it

    async def _read_new(self) -> None:
        """Reads new versions, also those that appear meanwhile; tries each of them once.

        They are offered together: after a start, calls must not meet the first that was read.
        """
        self._unread = {}
        good: list[LoadedVersion] = []
        while new := [version for version in self._new() if version not in self._unread]:
            self._unread[new[0]] = "it is being tried"
            loaded = await self._read(new[0])
            good += [] if loaded is None else [loaded]
        for loaded in good:
            self._adopt(loaded)

    async def _read(self, version: int) -> LoadedVersion | None:
        """Reads and tries a version; None if it is not good, or could not be read."""
        catalogue = self._catalogue
        key = VersionKey(catalogue.name, version)
        try:
            return await load_version(self._replica.server, key, catalogue.known(version))
        except ModelContractError as error:
            self._refuse(version, error)
        except ServiceError as error:
            logger.warning("version %d on %s: %s", version, self._replica.name, error)
            self._unread[version] = INTERNAL if isinstance(error, InternalError) else error.message
        return None

    def _adopt(self, loaded: LoadedVersion) -> None:
        version = loaded.key.version
        try:
            self._catalogue.adopt(self._replica, loaded)
        except ModelContractError as error:
            self._refuse(version, error)
            return
        self._unread.pop(version, None)
        self._refused.pop(version, None)
        self._good[version] = loaded

    def _refuse(self, version: int, error: ModelContractError) -> None:
        until = asyncio.get_running_loop().time() + REFUSED_AGAIN_AFTER_S
        self._unread.pop(version, None)
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

    def _publish_answers(self) -> None:
        """Tells what the model server said last, and what was found since."""
        if not self._statuses:
            self._publish(ReplicaView(Reach.ANSWERS))
            return
        problems = {
            status.version: (VersionCondition.FAILED, status.failure)
            for status in self._statuses
            if status.failure
        }
        for version, refusal in self._refused.items():
            problems[version] = (VersionCondition.REFUSED, refusal.reason)
        for version, why in self._unread.items():
            problems[version] = (VersionCondition.LOADING, why)
        for version in self._new():
            problems.setdefault(version, (VersionCondition.LOADING, "it is being tried"))
        good = tuple(self._good[version] for version in sorted(self._good, reverse=True))
        self._publish(ReplicaView(Reach.ANSWERS, good, problems, dict(self._labels)))

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
