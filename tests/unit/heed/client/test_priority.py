"""Which priority the calls of a client have."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from heed import AsyncClient, Client
from heed.client import Priority
from heed.v1 import inference_pb2
from tests.support.client import SmallGateway, serving

INTERACTIVE = inference_pb2.PRIORITY_INTERACTIVE
BULK = inference_pb2.PRIORITY_BULK


@pytest.fixture(scope="module")
def gateway() -> Iterator[tuple[str, SmallGateway]]:
    with serving() as (address, small_gateway):
        yield address, small_gateway


def test_a_call_is_interactive_and_many_are_bulk(gateway: tuple[str, SmallGateway]) -> None:
    with Client(gateway[0]) as client:
        client.generate("one")
        assert gateway[1].requests[-1].priority == INTERACTIVE
        list(client.generate_many(["one"]))
        assert gateway[1].requests[-1].priority == BULK


def test_a_priority_holds_for_every_call(gateway: tuple[str, SmallGateway]) -> None:
    with Client(gateway[0]) as client:
        client.with_priority("bulk").generate("one")
        assert gateway[1].requests[-1].priority == BULK
        list(client.with_priority(Priority.INTERACTIVE).generate_many(["one"]))
        assert gateway[1].requests[-1].priority == INTERACTIVE


async def test_the_asynchronous_client_does_the_same(gateway: tuple[str, SmallGateway]) -> None:
    async with AsyncClient(gateway[0]) as client:
        await client.generate("one")
        assert gateway[1].requests[-1].priority == INTERACTIVE
        assert [answer.text async for answer in client.generate_many(["one"])] == ["ONE"]
        assert gateway[1].requests[-1].priority == BULK
        await client.with_priority("bulk").generate("one")
        assert gateway[1].requests[-1].priority == BULK


def test_an_unknown_priority_is_refused_with_the_choices() -> None:
    with Client("127.0.0.1:1") as client, pytest.raises(ValueError, match='"interactive", "bulk"'):
        client.with_priority("urgent")
