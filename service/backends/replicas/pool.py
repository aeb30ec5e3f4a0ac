"""Sends each call to the model server that is best placed to answer it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from service.backends.replicas.hedging import HedgeRule, first_answer
from service.backends.replicas.latencies import TypicalLatencies, kind_of
from service.backends.replicas.load import padded_tokens
from service.backends.replicas.outliers import EjectionRules, Outcome, Standing
from service.backends.replicas.replica import AbandonedError, Replica
from service.backends.replicas.replica_set import Connect, ReplicaSet
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


@dataclass(frozen=True, slots=True)
class _Work:
    target: PredictTarget
    inputs: Mapping[str, Array]
    tokens: int
    deadline: float


class ReplicaPool(ReplicaSet):
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
        super().__init__(connect, rules.ejection, metrics, rng=rng)
        self._rules = rules
        self._budget = RetryBudget(rules.retry_share, rules.retry_burst)
        self._latencies = TypicalLatencies()

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
            if self._budget.saved >= 1 and self.choose(key, [replica]) is not None:
                replica.abandon(call)

    def _check_retry(self, error: ServiceError, work: _Work, tried: Sequence[Replica]) -> None:
        """Returns if a failed call may be sent again; else raises.

        Raises:
            VersionGoneError: Another model server has another version of the model.
            ServiceError: The failure itself.
        """
        key = work.target.model
        if work.deadline - asyncio.get_running_loop().time() < SHORTEST_RETRY_S:
            raise error
        another = self.choose(key, tried)
        others = [one for one in self.replicas if one not in tried and one.offers_any(key.name)]
        if another is None and not others:
            raise error
        if not self._budget.take():
            self._metrics.retried("refused")
            raise error
        if another is None:
            raise VersionGoneError(key.name, key.version) from error

    async def _ask_anyone(self, work: _Work, tried: list[Replica]) -> Mapping[str, Array]:
        """Asks one model server; the next if the version has gone there, which cost it nothing."""
        key = work.target.model
        failure: ServiceError | None = None
        while (replica := self.choose(key, tried)) is not None:
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
        if delay_s is None or self.choose(work.target.model, tried) is None:
            return await self._ask(replica, work)

        def second() -> Coroutine[Any, Any, Mapping[str, Array]] | None:
            other = self.choose(work.target.model, tried)
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
        self.show_load(replica, more=work.tokens)
        try:
            answer = await replica.predict(
                work.target,
                work.inputs,
                tokens=work.tokens,
                timeout_s=max(work.deadline - began, 0.001),
            )
        except AbandonedError as error:
            self.count_call(replica, is_ok=False)
            raise ModelServerUnreachableError(work.target.model.name) from error
        except ServiceError as error:
            self.count_call(replica, is_ok=False)
            self._note_failure(replica, work, error)
            raise
        finally:
            self.show_load(replica)
        self.count_call(replica, is_ok=True)
        replica.is_doubtful = False
        self._judge(replica, Outcome.ANSWERED, work, seconds=loop.time() - began)
        return answer

    def _note_failure(self, replica: Replica, work: _Work, error: ServiceError) -> None:
        key = work.target.model
        if isinstance(error, VersionGoneError):
            replica.withdraw(key)
        if isinstance(error, ModelServerUnreachableError):
            replica.is_doubtful = True
        if isinstance(error, VersionGoneError | ModelServerUnreachableError):
            self.tell_of_trouble(replica, key)
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
        peers = [one.conduct for one in self.offering(work.target.model) if one is not replica]
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

    def _nobody(self, key: VersionKey) -> ServiceError:
        if any(replica.knows(key.name) for replica in self.replicas):
            return VersionGoneError(key.name, key.version)
        return ModelServerUnreachableError(key.name)
