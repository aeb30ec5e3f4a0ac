"""Watching one model on model servers whose answers the tests write down, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, cast

import grpc
import numpy as np
import pytest

from heed.contract import Signature
from service.backends.merging import VersionRules
from service.backends.model_server import ModelServer, ModelStatusError, VersionStatus
from service.backends.registry import ModelRegistry
from service.backends.replicas.addresses import Endpoint
from service.backends.replicas.pool import PoolRules, ReplicaPool
from service.domain.models import ModelSelector, ModelState, Readiness, VersionKey
from service.domain.signatures import Array, PredictTarget
from service.errors import ModelServerFailureError, ServiceError, UnknownVersionError
from service.metrics import Metrics
from tests.support.stub_model_server import MODEL_NAME, echo_contract, letters
from tests.support.virtual_time import run_in_virtual_time


class ScriptedServer:
    """A model server in memory.

    Attributes:
        versions: The versions that it has.
        labels: The versions that labels stand for.
        silent: Whether it answers nothing, as if it hung.
        hangs_on_trial: Whether trials of versions never end.
        failure: What every Predict call ends in.
        questions: How often its status was asked for.
        trials: Signatures that were tried.
    """

    def __init__(self) -> None:
        self.versions: list[int] = [1]
        self.labels: dict[str, int] = {}
        self.silent = False
        self.hangs_on_trial = False
        self.failure: ServiceError | None = None
        self.questions = 0
        self.trials: list[str] = []

    async def model_status(self, model: str, *, timeout_s: float) -> tuple[VersionStatus, ...]:
        self.questions += 1
        await asyncio.sleep(0.001)
        if self.silent:
            await asyncio.sleep(timeout_s)
            raise ModelStatusError(grpc.StatusCode.DEADLINE_EXCEEDED, "")
        return tuple(VersionStatus(version, is_available=True) for version in self.versions)

    async def labelled_version(self, model: str, label: str, *, timeout_s: float) -> int | None:
        return self.labels.get(label)

    async def predict(
        self, target: PredictTarget, inputs: Mapping[str, Array], *, timeout_s: float
    ) -> Mapping[str, Array]:
        await asyncio.sleep(0.001)
        if self.failure is not None:
            raise self.failure
        if target.signature is Signature.CONTRACT:
            return {
                "contract": np.array([echo_contract().to_json().encode()], object),
                "source_tokenizer": np.array([letters().serialized], object),
                "target_tokenizer": np.array([letters().serialized], object),
            }
        self.trials.append(target.signature.value)
        if self.hangs_on_trial or self.silent:
            await asyncio.sleep(timeout_s)
        return {name: _output(target.signature, name) for name in target.outputs}

    async def close(self, *, grace_s: float = 0.0) -> None:
        pass


def _output(signature: Signature, name: str) -> Array:
    rank = {"attention": 4, "attention_heads": 5, "lengths": 2, "scores": 2}.get(name, 3)
    if signature is Signature.SCORE and name != "attention_heads":
        rank -= 1
    dtype = np.int32 if name in ("tokens", "lengths") else np.float32
    return np.zeros((1,) * rank, dtype)


class World:
    """A registry over model servers "a", "b", ..., each polled twice a second."""

    def __init__(self, count: int = 1, rules: VersionRules | None = None) -> None:
        self.servers = [ScriptedServer() for _ in range(count)]
        metrics = Metrics()
        self.pool = ReplicaPool(
            lambda endpoint: cast(ModelServer, self.servers[int(endpoint.address)]),
            PoolRules(),
            metrics.replicas,
        )
        self.registry = ModelRegistry(
            self.pool,
            {MODEL_NAME: rules or VersionRules()},
            poll_interval_s=0.5,
            metrics=metrics.models,
        )
        self.pool.set_endpoints([Endpoint(str(index)) for index in range(count)])

    @property
    def state(self) -> ModelState:
        return self.registry.states[0]


def play(
    scenario: Callable[[World], Coroutine[Any, Any, None]],
    *,
    count: int = 1,
    rules: VersionRules | None = None,
) -> None:
    """Runs a scenario with the registry at work."""

    async def run() -> None:
        world = World(count, rules)
        task = asyncio.create_task(world.registry.run())
        await asyncio.sleep(0.3)
        try:
            await scenario(world)
            assert not task.done(), "the registry died"
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    run_in_virtual_time(run())


def test_a_version_is_ready_once_it_was_read_and_tried() -> None:
    async def scenario(world: World) -> None:
        assert world.state.is_ready
        assert set(world.servers[0].trials) == {"greedy", "score"}

    play(scenario)


def test_a_model_server_that_hangs_while_it_tries_a_version_is_found_to_hang() -> None:
    async def scenario(world: World) -> None:
        world.servers[0].hangs_on_trial = True
        world.servers[0].versions = [2, 1]
        await asyncio.sleep(5)
        assert world.state.version_numbers == (1,)
        assert world.state.status_message == "version 2 is not ready yet: it is being tried"
        world.servers[0].silent = True
        await asyncio.sleep(8)
        assert world.state.readiness is Readiness.UNREACHABLE
        world.servers[0].silent = world.servers[0].hangs_on_trial = False
        await asyncio.sleep(4)
        assert world.state.version_numbers == (2, 1)

    play(scenario)


def test_one_that_hangs_on_a_version_does_not_keep_the_others_from_it() -> None:
    async def scenario(world: World) -> None:
        world.servers[0].hangs_on_trial = True
        for server in world.servers:
            server.versions = [2, 1]
        await asyncio.sleep(2)
        assert world.state.version_numbers == (2, 1)
        assert [s.replica_count for s in world.state.version_states] == [1, 2]

    play(scenario, count=2)


def test_words_that_are_for_the_log_alone_reach_no_caller() -> None:
    async def scenario(world: World) -> None:
        world.servers[0].failure = ModelServerFailureError("secret path of the model server")
        world.servers[0].versions = [2, 1]
        await asyncio.sleep(1)
        assert world.state.status_message == (
            "version 2 is not ready yet: the model server failed; the log says more"
        )

    play(scenario)


def test_questions_come_at_the_interval_and_not_in_step() -> None:
    async def scenario(world: World) -> None:
        await asyncio.sleep(100)
        asked = [server.questions for server in world.servers]
        assert all(170 < count < 235 for count in asked)
        assert len(set(asked)) > 1

    play(scenario, count=4)


def test_calls_in_trouble_have_a_model_server_asked_at_once_but_not_without_end() -> None:
    async def scenario(world: World) -> None:
        (replica,) = world.pool.replicas
        before = world.servers[0].questions
        for _ in range(1000):
            world.registry.in_trouble(replica, VersionKey(MODEL_NAME, 1))
            await asyncio.sleep(0.0002)
        assert 5 <= world.servers[0].questions - before <= 12  # in 0.2 s

    play(scenario)


def test_a_label_is_followed_and_survives_silence() -> None:
    async def scenario(world: World) -> None:
        world.servers[0].versions, world.servers[0].labels = [2, 1], {"stable": 1}
        await asyncio.sleep(2)
        selector = ModelSelector(MODEL_NAME, label="stable")
        assert world.registry.resolve(selector).key.version == 1
        world.servers[0].silent = True
        await asyncio.sleep(3)
        assert world.registry.resolve(selector).key.version == 1
        world.servers[0].silent = False
        world.servers[0].labels = {"stable": 2}
        await asyncio.sleep(4)
        assert world.registry.resolve(selector).key.version == 2

    play(scenario, rules=VersionRules(followed_labels=("stable",)))


def test_after_a_version_went_the_next_one_is_asked_for() -> None:
    async def scenario(world: World) -> None:
        gone = VersionKey(MODEL_NAME, 1)
        world.servers[0].versions = [2]
        found = await world.registry.resolve_after(gone, ModelSelector(MODEL_NAME))
        assert found.key.version == 2

    play(scenario)


def test_a_call_for_the_version_that_went_is_told_what_there_is() -> None:
    async def scenario(world: World) -> None:
        world.servers[0].versions = [2, 1]
        await asyncio.sleep(1)
        selector = ModelSelector(MODEL_NAME, version=1)
        with pytest.raises(UnknownVersionError) as error:
            await world.registry.resolve_after(VersionKey(MODEL_NAME, 1), selector)
        assert error.value.metadata["ready_versions"] == "2"

    play(scenario)


def test_a_model_server_that_leaves_takes_its_versions_along() -> None:
    async def scenario(world: World) -> None:
        world.servers[1].versions = [2]
        await asyncio.sleep(1)
        assert world.state.version_numbers == (2, 1)
        world.pool.set_endpoints([Endpoint("0")])
        assert world.state.version_numbers == (1,)
        assert world.state.replica_count == 1

    play(scenario, count=2)
