"""The pool with model servers whose answers the tests write down."""

from __future__ import annotations

import asyncio
import collections
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import numpy as np
import pytest

from heed.contract import Signature
from service.backends.model_server import ModelServer
from service.backends.replicas.addresses import Endpoint
from service.backends.replicas.hedging import HedgeRule
from service.backends.replicas.outliers import EjectionRules
from service.backends.replicas.pool import PoolRules, ReplicaPool
from service.backends.replicas.replica import Replica
from service.domain.models import VersionKey
from service.domain.signatures import Array, PredictTarget
from service.errors import (
    DeadlinePassedError,
    ModelRejectedInputError,
    ModelServerBusyError,
    ModelServerFailureError,
    ModelServerUnreachableError,
    ServiceError,
    Stage,
    VersionGoneError,
)
from service.metrics import Metrics

KEY = VersionKey("m", 1)
TARGET = PredictTarget(KEY, Signature.GREEDY, ("tokens",))


def rows(count: int = 1, length: int = 4) -> dict[str, Array]:
    return {"tokens": np.zeros((count, length), np.int32)}


class ScriptedServer:
    """Answers with its own name, or as its script says."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls = 0
        self.timeouts: list[float] = []
        self.script: Callable[[], Awaitable[None]] | None = None
        self.was_cancelled = False
        self.is_closed = False

    async def predict(
        self, target: PredictTarget, inputs: Mapping[str, Array], *, timeout_s: float
    ) -> Mapping[str, Any]:
        self.calls += 1
        self.timeouts.append(timeout_s)
        try:
            if self.script is not None:
                await self.script()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return {"by": self.name}

    def fail(self, error: ServiceError | None) -> None:
        async def script() -> None:
            if error is not None:
                raise error

        self.script = script

    def hold(self) -> asyncio.Event:
        """Answers nothing until the event is set."""
        released = asyncio.Event()

        async def script() -> None:
            await released.wait()

        self.script = script
        return released

    async def close(self, *, grace_s: float = 0.0) -> None:
        self.is_closed = True


class Trouble:
    """Hears what the pool tells the registry."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def joined(self, replica: Replica) -> None:
        self.heard.append(("joined", replica.name))

    def left(self, replica: Replica) -> None:
        self.heard.append(("left", replica.name))

    def in_trouble(self, replica: Replica, key: VersionKey) -> None:
        self.heard.append(("trouble", replica.name))


class Pool:
    """A pool of model servers "a", "b" and "c" that all offer version 1 of "m"."""

    def __init__(self, names: str = "abc", **rules: Any) -> None:
        self.servers: dict[str, ScriptedServer] = {}
        self.trouble = Trouble()
        self.metrics = Metrics()
        self.pool = ReplicaPool(
            self._connect, PoolRules(**rules), self.metrics.replicas, rng=random.Random(1)
        )
        self.pool.listen(self.trouble)
        self.set(names)
        self.trouble.heard.clear()

    def _connect(self, endpoint: Endpoint) -> ModelServer:
        server = self.servers[endpoint.address] = ScriptedServer(endpoint.address)
        return cast(ModelServer, server)

    def set(self, names: str) -> None:
        self.pool.set_endpoints([Endpoint(name) for name in names])
        for replica in self.pool.replicas:
            replica.offer("m", frozenset({1}))

    def replica(self, name: str) -> Replica:
        return next(replica for replica in self.pool.replicas if replica.name == name)

    async def ask(self, timeout_s: float = 10.0, **size: int) -> str:
        answer = await self.pool.predict(TARGET, rows(**size), timeout_s=timeout_s)
        return cast(str, answer["by"])

    def fail_all(self, error: ServiceError | None) -> None:
        for server in self.servers.values():
            server.fail(error)

    @property
    def calls(self) -> dict[str, int]:
        return {name: server.calls for name, server in self.servers.items()}

    def counted(self, name: str, **labels: str) -> float:
        return sum(
            sample.value
            for family in self.metrics.registry.collect()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )


async def test_a_call_goes_where_the_fewest_tokens_are_outstanding() -> None:
    pool = Pool()
    held = [server.hold() for server in pool.servers.values()]
    tasks = [asyncio.create_task(pool.ask(length=length)) for length in (100, 10, 50)]
    await asyncio.sleep(0)
    outstanding = {replica.name: replica.outstanding_tokens for replica in pool.pool.replicas}
    assert sorted(outstanding.values()) == [10, 50, 100]
    idlest = min(outstanding, key=outstanding.__getitem__)
    tasks += [asyncio.create_task(pool.ask(length=length)) for length in (45, 30)]
    await asyncio.sleep(0)
    assert pool.replica(idlest).outstanding_tokens == 10 + 45
    assert sorted(r.outstanding_tokens for r in pool.pool.replicas) == [55, 50 + 30, 100]
    for event in held:
        event.set()
    await asyncio.gather(*tasks)
    assert [replica.outstanding_tokens for replica in pool.pool.replicas] == [0, 0, 0]


async def test_lone_calls_are_spread_over_idle_model_servers() -> None:
    pool = Pool()
    for _ in range(300):
        await pool.ask()
    assert all(70 < calls < 130 for calls in pool.calls.values())


async def test_only_those_that_have_the_version_are_asked() -> None:
    pool = Pool()
    pool.replica("a").offer("m", frozenset({2}))
    pool.replica("b").offer("m", None)
    assert {await pool.ask() for _ in range(20)} == {"c"}
    assert pool.pool.replica_count(KEY) == 1


@pytest.mark.parametrize(
    "error", [ModelServerUnreachableError("m"), ModelServerBusyError()], ids=["away", "busy"]
)
async def test_a_failure_that_is_safe_to_repeat_is_repeated_elsewhere(error: ServiceError) -> None:
    pool = Pool("ab")
    pool.servers["a"].fail(error)
    assert {await pool.ask() for _ in range(8)} == {"b"}
    assert pool.counted("heed_replica_retries_total", outcome="ok") == pool.calls["a"] > 0


async def test_one_repetition_and_no_more() -> None:
    pool = Pool()
    pool.fail_all(ModelServerUnreachableError("m"))
    with pytest.raises(ModelServerUnreachableError):
        await pool.ask()
    assert sum(pool.calls.values()) == 2
    assert pool.counted("heed_replica_retries_total", outcome="failed") == 1


@pytest.mark.parametrize(
    "error",
    [
        ModelRejectedInputError("no"),
        ModelServerFailureError("broken"),
        DeadlinePassedError(Stage.MODEL),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_other_failures_are_not_repeated(error: ServiceError) -> None:
    pool = Pool()
    pool.fail_all(error)
    with pytest.raises(type(error)):
        await pool.ask()
    assert sum(pool.calls.values()) == 1


async def test_a_spent_budget_ends_repetitions() -> None:
    pool = Pool(retry_share=0.1, retry_burst=2, ejection=EjectionRules(failures_in_a_row=0))
    pool.fail_all(ModelServerUnreachableError("m"))
    for _ in range(40):
        with pytest.raises(ModelServerUnreachableError):
            await pool.ask()
    repeated = sum(pool.calls.values()) - 40
    assert 2 <= repeated <= 6  # the burst, and a tenth of the calls
    assert pool.counted("heed_replica_retries_total", outcome="refused") == 40 - repeated


async def test_a_version_that_went_from_one_is_asked_of_the_next_for_nothing() -> None:
    pool = Pool(retry_share=0.0)
    for name in "ab":
        pool.servers[name].fail(VersionGoneError("m", 1))
    assert {await pool.ask() for _ in range(10)} == {"c"}
    assert all(pool.calls[name] <= 1 for name in "ab")  # nobody asks there again
    assert all(("trouble", name) in pool.trouble.heard for name in "ab" if pool.calls[name])


async def test_a_version_that_went_from_all_is_gone() -> None:
    pool = Pool()
    pool.fail_all(VersionGoneError("m", 1))
    for _ in range(2):
        with pytest.raises(VersionGoneError):
            await pool.ask()
    assert sum(pool.calls.values()) == 3


async def test_the_only_one_with_a_version_dying_makes_way_for_another_version() -> None:
    pool = Pool("ab")
    pool.replica("b").offer("m", frozenset({2}))
    pool.servers["a"].fail(ModelServerUnreachableError("m"))
    with pytest.raises(VersionGoneError):
        await pool.ask()


async def test_with_no_model_server_nobody_can_be_reached() -> None:
    pool = Pool("")
    with pytest.raises(ModelServerUnreachableError):
        await pool.ask()
    assert pool.pool.replica_count(KEY) == 1


async def test_the_deadline_holds_across_repetitions() -> None:
    pool = Pool("ab")

    async def slow_failure() -> None:
        await asyncio.sleep(0.05)
        raise ModelServerUnreachableError("m")

    pool.servers["a"].script = pool.servers["b"].script = slow_failure
    with pytest.raises(ModelServerUnreachableError):
        await pool.ask(timeout_s=0.08)
    first, second = (server.timeouts[0] for server in pool.servers.values())
    assert max(first, second) == pytest.approx(0.08, abs=0.005)
    assert min(first, second) == pytest.approx(0.03, abs=0.015)
    with pytest.raises(ModelServerUnreachableError):
        await pool.ask(timeout_s=0.03)
    assert sum(pool.calls.values()) == 3  # no time was left to ask again


async def test_one_that_keeps_failing_gets_no_calls_for_a_while() -> None:
    rules = EjectionRules(failures_in_a_row=3, first_s=0.05, trial_calls=1)
    pool = Pool("ab", ejection=rules)
    pool.servers["a"].fail(ModelServerFailureError("broken"))
    outcomes: collections.Counter[str] = collections.Counter()
    for _ in range(60):
        try:
            outcomes[await pool.ask()] += 1
        except ModelServerFailureError:
            outcomes["failed"] += 1
    assert outcomes == {"failed": 3, "b": 57}
    assert pool.pool.replica_count(KEY) == 1
    pool.servers["a"].fail(None)
    await asyncio.sleep(0.06)
    assert await pool.ask() == "a"  # on trial
    assert pool.pool.replica_count(KEY) == 2
    assert pool.counted("heed_replica_ejections_total", replica="a") == 1


async def test_on_trial_one_call_at_a_time_is_sent() -> None:
    pool = Pool("ab", ejection=EjectionRules(failures_in_a_row=1, first_s=0.02))
    pool.servers["a"].fail(ModelServerFailureError("broken"))
    while not pool.calls["a"]:
        with_failure = pool.ask()
        await asyncio.gather(with_failure, return_exceptions=True)
    await asyncio.sleep(0.03)
    release = pool.servers["a"].hold()
    before = pool.calls["a"]
    tasks = [asyncio.create_task(pool.ask()) for _ in range(10)]
    await asyncio.sleep(0.01)
    assert pool.calls["a"] == before + 1
    release.set()
    assert sorted(await asyncio.gather(*tasks)) == ["a"] + ["b"] * 9


async def test_one_not_heard_of_is_asked_only_where_nobody_else_is() -> None:
    pool = Pool("ab")
    pool.replica("a").is_doubtful = True
    assert {await pool.ask() for _ in range(10)} == {"b"}
    pool.replica("b").offer("m", None)
    assert await pool.ask() == "a"
    assert not pool.replica("a").is_doubtful


async def test_calls_of_one_that_hangs_are_answered_elsewhere() -> None:
    pool = Pool("ab")
    pool.servers["a"].hold()
    while not pool.calls["a"]:
        task = asyncio.create_task(pool.ask())
        await asyncio.sleep(0)
    pool.pool.give_up_calls(pool.replica("a"))
    assert await task == "b"
    assert pool.replica("a").outstanding_tokens == 0


async def test_calls_of_the_only_one_are_left_where_they_are() -> None:
    pool = Pool("a")
    release = pool.servers["a"].hold()
    task = asyncio.create_task(pool.ask())
    await asyncio.sleep(0)
    pool.pool.give_up_calls(pool.replica("a"))
    await asyncio.sleep(0.01)
    assert not task.done()
    release.set()
    assert await task == "a"


async def test_a_slow_call_is_sent_twice_if_that_is_asked_for() -> None:
    pool = Pool("ab", hedge=HedgeRule(after_s=0.01))
    pool.servers["a"].hold()
    for _ in range(6):
        assert await pool.ask() == "b"
    assert pool.servers["a"].was_cancelled
    hedged = pool.counted("heed_replica_hedges_total", winner="second")
    assert hedged == pool.calls["a"] > 0
    assert pool.replica("a").outstanding_tokens == 0


async def test_hedging_keeps_to_the_budget_too() -> None:
    pool = Pool("ab", hedge=HedgeRule(after_s=0.005), retry_share=0.0)
    release = pool.servers["a"].hold()
    tasks = [asyncio.create_task(pool.ask()) for _ in range(8)]
    await asyncio.sleep(0.03)
    assert sum(pool.calls.values()) == 8
    release.set()
    await asyncio.gather(*tasks)


async def test_new_ones_join_and_old_ones_answer_their_last_calls() -> None:
    pool = Pool("ab")
    release = pool.servers["a"].hold()
    pool.replica("b").offer("m", None)
    task = asyncio.create_task(pool.ask())
    await asyncio.sleep(0)
    pool.replica("b").offer("m", frozenset({1}))
    pool.set("bc")
    assert sorted(pool.trouble.heard) == [("joined", "c"), ("left", "a")]
    assert {await pool.ask() for _ in range(20)} == {"b", "c"}
    release.set()
    assert await task == "a"
    await asyncio.sleep(0)
    assert pool.servers["a"].is_closed
    assert pool.counted("heed_replica_calls_total", replica="b") > 0
    assert pool.counted("heed_replica_calls_total", replica="a") == 0  # it is forgotten
    await pool.pool.close()
    assert pool.servers["b"].is_closed


async def test_the_only_one_that_answers_stays_until_another_does() -> None:
    pool = Pool("a")
    pool.pool.set_endpoints([Endpoint("b")])
    assert await pool.ask() == "a"
    pool.replica("b").offer("m", frozenset({1}))
    pool.pool.report_health(pool.replica("b"))
    assert pool.trouble.heard == [("joined", "b"), ("left", "a")]
    assert await pool.ask() == "b"


async def test_one_that_is_not_named_and_answers_nothing_leaves_at_once() -> None:
    pool = Pool("a")
    pool.replica("a").offer("m", None)
    pool.pool.set_endpoints([Endpoint("b")])
    assert sorted(pool.trouble.heard) == [("joined", "b"), ("left", "a")]


async def test_connections_are_made_anew_without_a_break() -> None:
    pool = Pool("a")
    old = pool.servers["a"]
    release = old.hold()
    task = asyncio.create_task(pool.ask())
    await asyncio.sleep(0)
    pool.pool.reconnect()
    assert await pool.ask() == "a"
    assert pool.servers["a"] is not old
    assert pool.servers["a"].calls == 1
    release.set()
    assert await task == "a"


async def test_a_cancelled_caller_leaves_nothing_behind() -> None:
    pool = Pool("a")
    pool.servers["a"].hold()
    task = asyncio.create_task(pool.ask())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pool.servers["a"].was_cancelled
    assert pool.replica("a").outstanding_tokens == 0
