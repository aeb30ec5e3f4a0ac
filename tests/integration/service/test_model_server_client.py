"""Calls to a model server whose process changes under them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import grpc
import numpy as np
import pytest

from heed.contract import Signature
from heed.wire.v1 import serving_pb2
from service.backends.model_server import ModelServer, ModelStatusError
from service.domain.models import VersionKey
from service.domain.signatures import Array, PredictTarget
from service.errors import DeadlinePassedError, ModelServerUnreachableError
from tests.support.certificates import Authority, channel_credentials
from tests.support.stub_model_server import MODEL_NAME, StubModelServer, running_stub

TARGET = PredictTarget(VersionKey(MODEL_NAME, 1), Signature.SCORE, ("scores",))
INPUTS = {
    "tokens": np.array([[5, 6]], np.int32),
    "lengths": np.array([2], np.int32),
    "target_tokens": np.array([[5, 3]], np.int32),
    "target_lengths": np.array([2], np.int32),
}


@pytest.fixture
def stub() -> Iterator[StubModelServer]:
    with running_stub() as stub:
        yield stub


@pytest.fixture
async def client(stub: StubModelServer) -> AsyncIterator[ModelServer]:
    client = ModelServer(stub.address)
    yield client
    await client.close()


async def test_predict_answers_arrays(client: ModelServer) -> None:
    outputs = await client.predict(TARGET, INPUTS, timeout_s=10)
    assert {name: array.tolist() for name, array in outputs.items()} == {"scores": [-1.0]}


async def test_over_a_closed_connection_every_call_is_unreachable(client: ModelServer) -> None:
    await client.close()
    with pytest.raises(ModelServerUnreachableError):
        await client.predict(TARGET, INPUTS, timeout_s=1)
    with pytest.raises(ModelStatusError) as error:
        await client.model_status(MODEL_NAME, timeout_s=1)
    assert error.value.code is grpc.StatusCode.UNAVAILABLE


@contextlib.asynccontextmanager
async def held_call(
    stub: StubModelServer, client: ModelServer, *, timeout_s: float = 20
) -> AsyncIterator[asyncio.Task[Mapping[str, Array]]]:
    """A call that the model server has begun, and holds until the block is left."""
    begun, release = threading.Event(), threading.Event()

    def hold(request: serving_pb2.PredictRequest, response: serving_pb2.PredictResponse) -> None:
        begun.set()
        release.wait(20)

    stub.predict_fault = hold
    call = asyncio.create_task(client.predict(TARGET, INPUTS, timeout_s=timeout_s))
    await asyncio.to_thread(begun.wait, 20)
    try:
        yield call
    finally:
        release.set()


async def test_a_connection_that_ends_lets_calls_under_way_finish_if_it_may(
    stub: StubModelServer, client: ModelServer
) -> None:
    async with held_call(stub, client) as call:
        closing = asyncio.create_task(client.close(grace_s=20))
        await asyncio.sleep(0.05)
        assert not closing.done()
    assert (await call)["scores"].tolist() == [-1.0]
    await closing


async def test_a_connection_that_ends_fails_calls_under_way_when_the_time_is_up(
    stub: StubModelServer, client: ModelServer
) -> None:
    async with held_call(stub, client) as call:
        await client.close()
        with pytest.raises(ModelServerUnreachableError):
            await call


async def test_with_tls_an_address_must_prove_the_name_that_it_was_found_by(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("models", "models.test")
    shown = grpc.ssl_server_credentials([(pair.key.read_bytes(), pair.chain.read_bytes())])
    trusted = channel_credentials(authority)
    with running_stub(credentials=shown) as stub:
        by_name = ModelServer(stub.address, trusted, server_name="models.test")
        assert await by_name.model_status(MODEL_NAME, timeout_s=10)
        by_address = ModelServer(stub.address, trusted)
        with pytest.raises(ModelStatusError) as error:
            await by_address.model_status(MODEL_NAME, timeout_s=10)
        assert error.value.code is grpc.StatusCode.UNAVAILABLE
        await by_name.close()
        await by_address.close()


async def test_a_cancelled_call_is_cancelled_and_nothing_else(
    stub: StubModelServer, client: ModelServer
) -> None:
    async with held_call(stub, client) as call:
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


async def test_the_time_limit_holds(stub: StubModelServer, client: ModelServer) -> None:
    async with held_call(stub, client, timeout_s=0.5) as call:
        with pytest.raises(DeadlinePassedError):
            await call


async def test_an_unknown_model_is_told_from_a_server_that_is_away(
    stub: StubModelServer, client: ModelServer
) -> None:
    with pytest.raises(ModelStatusError) as error:
        await client.model_status("other", timeout_s=5)
    assert error.value.is_unknown_model
    statuses = await client.model_status(MODEL_NAME, timeout_s=5)
    assert [(status.version, status.is_available) for status in statuses] == [(1, True)]
