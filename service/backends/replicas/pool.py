"""Sends each call to the model server that is best placed to answer it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from service.backends.model_server import ModelServer
from service.backends.replicas.addresses import Endpoint
from service.backends.replicas.hedging import HedgeRule, first_answer
from service.backends.replicas.latencies import TypicalLatencies, kind_of
from service.backends.replicas.load import least_loaded, padded_tokens
from service.backends.replicas.outliers import EjectionRules, Outcome, Standing
from service.backends.replicas.replica import AbandonedError, Replica
from service.backends.replicas.retry_budget import RetryBudget
from service.domain.models import VersionKey
from service.domain.signatures import Array, PredictTarget
from service.errors import (
    DeadlinePassedError,
    ModelServerBusyError,
    ModelServerFailureError,
    ModelServerUnreachableError,
    ServiceError,
    VersionGoneError,
)
from service.metrics.models import ReplicaMetrics

logger = logging.getLogger(__name__)

SHORTEST_RETRY_S: Final = 0.002
"""A call with less time left is not sent again, in seconds."""

_RETRIED: Final = (ModelServerUnreachableError, ModelServerBusyError)
_OUTCOMES: Final[Mapping[type[ServiceError], Outcome]] = {
    ModelServerUnreachableError: Outcome.FAILED,
    ModelServerFailureError: Outcome.FAILED,
    ModelServerBusyError: Outcome.STRAINED,
    DeadlinePassedError: Outcome.STRAINED,
}

Connect = Callable[[Endpoint], ModelServer]


@dataclass(frozen=True, slots=True)
class PoolRules:
    """How calls are spread.

    Attributes:
        ejection: When a model server gets no calls for a while.
        retry_share: Repetitions per call, 0 (none) to 1.
        retry_burst: The most repetitions saved up.
        hedge: When a slow call is sent a second time.
    """

    ejection: EjectionRules = field(default_factory=EjectionRules)
    retry_share: float = 0.2
    retry_burst: float = 20.0
    hedge: HedgeRule = field(default_factory=HedgeRule)


class PoolListener(Protocol):
    """Who must know about the pool's model servers."""

    def joined(self, replica: Replica) -> None:
        """A model server joined; nothing is known of it yet."""

    def left(self, replica: Replica) -> None:
        """A model server left; it answers the calls that it has, and gets no others."""

    def in_trouble(self, replica: Replica, key: VersionKey) -> None:
        """A call to a model server failed in a way that its status may explain."""


@dataclass(frozen=True, slots=True)
class _Work:
    target: PredictTarget
    inputs: Mapping[str, Array]
    tokens: int
    deadline: float


class ReplicaPool:
    """The model servers. It is a `service.domain.signatures.Predictor`.

    A call goes to the one with the fewest outstanding padded tokens, of those that answer the
    call's version and are in good standing. What the registry finds out about them, it tells the
    `Replica`s themselves.

    Args:
        connect: Makes a connection.
        rules: How calls are spread.
        metrics: Counts calls.
        rng: Decides between equals.
    """

    def __init__(
        self,
        connect: Connect,
        rules: PoolRules,
        metrics: ReplicaMetrics,
        *,
        rng: random.Random | None = None,
    ) -> None:
        self._connect = connect
        self._rules = rules
        self._metrics = metrics
        self._rng = rng or random.Random()
        self._budget = RetryBudget(rules.retry_share, rules.retry_burst)
        self._latencies = TypicalLatencies()
        self._replicas: dict[Endpoint, Replica] = {}
        self._wanted: frozenset[Endpoint] = frozenset()
        self._ending: set[asyncio.Task[None]] = set()
        self._listener: PoolListener | None = None

    @property
    def replicas(self) -> tuple[Replica, ...]:
        """The model servers, in no particular order."""
        return tuple(self._replicas.values())

    def listen(self, listener: PoolListener) -> None:
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
        now = asyncio.get_running_loop().time()
        return max(1, sum(self._is_good(replica, now) for replica in self._offering(model)))

    async def predict(
        self, target: PredictTarget, inputs: Mapping[str, Array], *, timeout_s: float
    ) -> Mapping[str, Array]:
        """Runs one call, on another model server too if the first one fails.

        Raises:
            ServiceError: The model servers failed, refused or could not be reached.
        """
        tokens = padded_tokens(target, inputs)
        work = _Work(target, inputs, tokens, asyncio.get_running_loop().time() + timeout_s)
        self._budget.note_call()
        tried: list[Replica] = []
        try:
            return await self._ask_anyone(work, tried)
        except _RETRIED as error:
            self._check_retry(error, work, tried)
        try:
            answer = await self._ask_anyone(work, tried)
        except ServiceError:
            self._metrics.retried("failed")
            raise
        self._metrics.retried("ok")
        return answer

    def give_up_calls(self, replica: Replica) -> None:
        """Takes calls from a model server that is found to hang, where others can answer them."""
        for call, key in tuple(replica.calls.items()):
            if self._budget.saved >= 1 and self._choose(key, [replica]) is not None:
                replica.abandon(call)

    def report_health(self, replica: Replica) -> None:
        """Takes note of how a model server is now; call when that may have changed."""
        is_healthy = self._is_good(replica, asyncio.get_running_loop().time())
        self._metrics.state(
            replica.name, is_healthy=is_healthy, outstanding_tokens=replica.outstanding_tokens
        )
        self._let_go()

    def _add(self, endpoint: Endpoint) -> None:
        replica = Replica(endpoint, self._connect(endpoint), self._rules.ejection)
        self._replicas[endpoint] = replica
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

    def _check_retry(self, error: ServiceError, work: _Work, tried: Sequence[Replica]) -> None:
        """Returns if a failed call may be sent again; else raises.

        Raises:
            VersionGoneError: Another model server has another version of the model.
            ServiceError: The failure itself.
        """
        key = work.target.model
        if work.deadline - asyncio.get_running_loop().time() < SHORTEST_RETRY_S:
            raise error
        has_successor = self._choose(key, tried) is None
        if has_successor and not self._has_other_version(key, tried):
            raise error
        if not self._budget.take():
            self._metrics.retried("refused")
            raise error
        if has_successor:
            raise VersionGoneError(key.name, key.version) from error

    async def _ask_anyone(self, work: _Work, tried: list[Replica]) -> Mapping[str, Array]:
        """Asks one model server; the next if the version has gone there, which cost it nothing."""
        key = work.target.model
        failure: ServiceError | None = None
        while (replica := self._choose(key, tried)) is not None:
            tried.append(replica)
            try:
                return await self._ask_hedged(replica, work, tried)
            except VersionGoneError as error:
                failure = error
        raise failure or self._nobody(key)

    async def _ask_hedged(
        self, replica: Replica, work: _Work, tried: list[Replica]
    ) -> Mapping[str, Array]:
        kind = kind_of(work.target, work.tokens)
        delay_s = self._rules.hedge.delay_s(self._latencies, kind)
        if delay_s is None or self._choose(work.target.model, tried) is None:
            return await self._ask(replica, work)

        def second() -> Coroutine[Any, Any, Mapping[str, Array]] | None:
            other = self._choose(work.target.model, tried)
            if other is None or not self._budget.take():
                return None
            tried.append(other)
            return self._ask(other, work)

        race = await first_answer(self._ask(replica, work), delay_s, second)
        if race.was_hedged:
            self._metrics.hedged("second" if race.second_won else "first")
        if race.second_won:
            self._judge(replica, Outcome.STRAINED, work)
        return race.answer

    async def _ask(self, replica: Replica, work: _Work) -> Mapping[str, Array]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._show_load(replica, replica.outstanding_tokens + work.tokens)
        try:
            answer = await replica.predict(
                work.target,
                work.inputs,
                tokens=work.tokens,
                timeout_s=max(work.deadline - began, 0.001),
            )
        except AbandonedError as error:
            self._metrics.called(replica.name, is_ok=False)
            raise ModelServerUnreachableError(work.target.model.name) from error
        except ServiceError as error:
            self._metrics.called(replica.name, is_ok=False)
            self._note_failure(replica, work, error)
            raise
        finally:
            self._show_load(replica, replica.outstanding_tokens)
        self._metrics.called(replica.name, is_ok=True)
        replica.is_doubtful = False
        self._judge(replica, Outcome.ANSWERED, work, seconds=loop.time() - began)
        return answer

    def _show_load(self, replica: Replica, tokens: int) -> None:
        if replica.endpoint in self._replicas:  # one that left is forgotten by the metrics
            self._metrics.outstanding(replica.name, tokens)

    def _note_failure(self, replica: Replica, work: _Work, error: ServiceError) -> None:
        key = work.target.model
        if isinstance(error, VersionGoneError):
            replica.withdraw(key)
        if isinstance(error, ModelServerUnreachableError):
            replica.is_doubtful = True
        if isinstance(error, VersionGoneError | ModelServerUnreachableError) and self._listener:
            self._listener.in_trouble(replica, key)
        outcome = _OUTCOMES.get(type(error))
        if outcome is not None:
            self._judge(replica, outcome, work)

    def _judge(
        self, replica: Replica, outcome: Outcome, work: _Work, *, seconds: float = 0.0
    ) -> None:
        now = asyncio.get_running_loop().time()
        slowness = 0.0
        if outcome is Outcome.ANSWERED:
            slowness = self._latencies.note(kind_of(work.target, work.tokens), seconds)
        was = replica.conduct.standing(now)
        replica.conduct.note(outcome, now=now, seconds=seconds, slowness=slowness)
        peers = [one.conduct for one in self._offering(work.target.model) if one is not replica]
        ejection = replica.conduct.judge(now, peers)
        if ejection is not None:
            self._metrics.ejected(replica.name)
            logger.warning(
                "model server %s gets no calls for %.0f s: %s",
                replica.name,
                ejection.seconds,
                ejection.reason,
            )
        elif was is Standing.ON_TRIAL and replica.conduct.standing(now) is Standing.IN:
            logger.info("model server %s gets calls again", replica.name)

    def _choose(self, key: VersionKey, tried: Collection[Replica]) -> Replica | None:
        """Who answers a call; None if nobody does who was not tried."""
        candidates = [replica for replica in self._offering(key) if replica not in tried]
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        now = asyncio.get_running_loop().time()
        on_trial = [r for r in candidates if r.conduct.standing(now) is Standing.ON_TRIAL]
        for replica in on_trial:
            if not replica.calls and not replica.is_doubtful:
                return replica
        good = [replica for replica in candidates if self._is_good(replica, now)]
        return least_loaded(good or on_trial or candidates, _load, self._rng)

    def _offering(self, key: VersionKey) -> list[Replica]:
        return [replica for replica in self._replicas.values() if replica.offers(key)]

    def _is_good(self, replica: Replica, now: float) -> bool:
        return not replica.is_doubtful and replica.conduct.standing(now) is Standing.IN

    def _has_other_version(self, key: VersionKey, tried: Collection[Replica]) -> bool:
        return any(r.offers_any(key.name) for r in self._replicas.values() if r not in tried)

    def _nobody(self, key: VersionKey) -> ServiceError:
        if any(replica.knows(key.name) for replica in self._replicas.values()):
            return VersionGoneError(key.name, key.version)
        return ModelServerUnreachableError(key.name)


def _load(replica: Replica) -> int:
    return replica.outstanding_tokens
