"""Which model servers there are, and which of them is best placed to answer a call."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Coroutine, Sequence
from typing import Any, Protocol

from service.backends.model_server import ModelServer
from service.backends.replicas.addresses import Endpoint
from service.backends.replicas.load import least_loaded
from service.backends.replicas.outliers import EjectionRules, Standing
from service.backends.replicas.replica import Replica
from service.domain.models import VersionKey
from service.metrics.models import ReplicaMetrics

logger = logging.getLogger(__name__)

Connect = Callable[[Endpoint], ModelServer]
"""Makes a connection."""


class ReplicaListener(Protocol):
    """Who must know about model servers."""

    def joined(self, replica: Replica) -> None:
        """A model server joined; nothing is known of it yet."""

    def left(self, replica: Replica) -> None:
        """A model server left; it answers the calls that it has, and gets no others."""

    def in_trouble(self, replica: Replica, key: VersionKey) -> None:
        """A call to a model server failed in a way that its status may explain."""


class ReplicaSet:
    """The model servers: they join, answer, and leave.

    Args:
        connect: Makes a connection.
        ejection: When one of them is ejected.
        metrics: Shows how they are.
        rng: Decides between equals.
    """

    def __init__(
        self,
        connect: Connect,
        ejection: EjectionRules,
        metrics: ReplicaMetrics,
        *,
        rng: random.Random | None = None,
    ) -> None:
        self._connect = connect
        self._ejection = ejection
        self._metrics = metrics
        self._rng = rng or random.Random()
        self._replicas: dict[Endpoint, Replica] = {}
        self._wanted: frozenset[Endpoint] = frozenset()
        self._ending: set[asyncio.Task[None]] = set()
        self._listener: ReplicaListener | None = None

    @property
    def replicas(self) -> tuple[Replica, ...]:
        """The model servers, in no particular order."""
        return tuple(self._replicas.values())

    def listen(self, listener: ReplicaListener) -> None:
        """Tells a listener of every change from now on; there is one."""
        self._listener = listener

    def set_endpoints(self, endpoints: Sequence[Endpoint]) -> None:
        """These are the model servers from now on: new ones join, those not named leave.

        One that alone answers for a model stays until one of those named does.
        """
        self._wanted = frozenset(endpoints)
        for endpoint in endpoints:
            if endpoint not in self._replicas:
                self._add(endpoint)
        self._let_go()

    def reconnect(self) -> None:
        """Makes every connection anew; calls under way end over the old ones."""
        for replica in self.replicas:
            self._later(replica.reconnect(self._connect(replica.endpoint)), "old connection")

    async def close(self) -> None:
        """Ends every connection; calls under way fail."""
        for task in self._ending:
            task.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)
        await asyncio.gather(*(replica.server.close() for replica in self.replicas))

    def replica_count(self, model: VersionKey) -> int:
        """How many model servers in good standing answer a version; 1 at least."""
        if len(self._replicas) == 1:
            return 1
        now = asyncio.get_running_loop().time()
        return max(1, sum(self._is_good(replica, now) for replica in self.offering(model)))

    def offering(self, key: VersionKey) -> list[Replica]:
        """Those that were found to answer a version."""
        return [replica for replica in self._replicas.values() if replica.offers(key)]

    def choose(self, key: VersionKey, tried: Collection[Replica] = ()) -> Replica | None:
        """Who answers a call; None if nobody does who was not tried.

        Args:
            key: The version that answers.
            tried: Those that are not to be asked again.
        """
        candidates = [replica for replica in self.offering(key) if replica not in tried]
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        now = asyncio.get_running_loop().time()
        standings = {replica: replica.conduct.standing(now) for replica in candidates}
        on_trial = [one for one in candidates if standings[one] is Standing.ON_TRIAL]
        for replica in on_trial:
            if not replica.calls and not replica.is_doubtful:
                return replica
        unsuspected = [one for one in candidates if standings[one] is Standing.IN]
        good = [one for one in unsuspected if not one.is_doubtful]
        return least_loaded(good or unsuspected or on_trial or candidates, _load, self._rng)

    def report_health(self, replica: Replica) -> None:
        """Takes note of how a model server is now; call when that may have changed."""
        is_healthy = self._is_good(replica, asyncio.get_running_loop().time())
        self._metrics.state(
            replica.name, is_healthy=is_healthy, outstanding_tokens=replica.outstanding_tokens
        )
        self._let_go()

    def show_load(self, replica: Replica, more: int = 0) -> None:
        """Shows in the metrics what a model server has to do, and is about to get."""
        if replica.endpoint in self._replicas:  # one that left is forgotten by the metrics
            self._metrics.outstanding(replica.name, replica.outstanding_tokens + more)

    def count_call(self, replica: Replica, *, is_ok: bool) -> None:
        """Counts a call that a model server has ended."""
        if replica.endpoint in self._replicas:
            self._metrics.called(replica.name, is_ok=is_ok)

    def tell_of_trouble(self, replica: Replica, key: VersionKey) -> None:
        """Tells the listener that a call to a model server failed."""
        if self._listener is not None:
            self._listener.in_trouble(replica, key)

    def _add(self, endpoint: Endpoint) -> None:
        replica = Replica(endpoint, self._connect(endpoint), self._ejection)
        self._replicas[endpoint] = replica
        logger.info("model server %s joined", replica.name)
        self.report_health(replica)
        if self._listener is not None:
            self._listener.joined(replica)

    def _let_go(self) -> None:
        staying = [replica for replica in self.replicas if replica.endpoint in self._wanted]
        for replica in self.replicas:
            if replica not in staying and not replica.answers_beyond(staying):
                del self._replicas[replica.endpoint]
                self._remove(replica)

    def _remove(self, replica: Replica) -> None:
        logger.info("model server %s left; it answers its last calls", replica.name)
        if self._listener is not None:
            self._listener.left(replica)
        self._later(replica.leave(), f"last calls of {replica.name}")
        self._metrics.forget(replica.name)

    def _later(self, end: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(end, name=name)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _is_good(self, replica: Replica, now: float) -> bool:
        return not replica.is_doubtful and replica.conduct.standing(now) is Standing.IN


def _load(replica: Replica) -> int:
    return replica.outstanding_tokens
