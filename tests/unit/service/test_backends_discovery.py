"""Names whose addresses the tests change."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from service.backends.replicas.addresses import Endpoint, parse_target
from service.backends.replicas.discovery import Discovery
from tests.support.virtual_time import run_in_virtual_time


class Names:
    """A name service: names to addresses; a name without an entry cannot be looked up."""

    def __init__(self, **addresses: list[str]) -> None:
        self.addresses = addresses
        self.questions = 0
        self.asked_thrice = asyncio.Event()

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.questions += 1
        if self.questions == 3:
            self.asked_thrice.set()
        if host not in self.addresses:
            raise OSError("no such name")
        return self.addresses[host]


class Found:
    """What was found, each time that changed."""

    def __init__(self) -> None:
        self.published: list[list[str]] = []

    def __call__(self, endpoints: Sequence[Endpoint]) -> None:
        self.published.append([endpoint.address for endpoint in endpoints])


def discovery(found: Found, names: Names, *texts: str) -> Discovery:
    targets = [parse_target(text) for text in texts]
    return Discovery(targets, found, refresh_s=0.01, resolve=names.resolve)


async def test_addresses_that_need_no_look_up_are_there_at_once() -> None:
    found = Found()
    discovery(found, Names(), "10.0.0.1:1", "unix:/socket")
    assert found.published == [["10.0.0.1:1", "unix:/socket"]]


async def test_a_name_is_followed() -> None:
    found, names = Found(), Names(models=["10.0.0.1"])
    one = discovery(found, names, "models:1", "10.0.0.9:1")
    await one.refresh()
    await one.refresh()
    names.addresses["models"] = ["10.0.0.2", "10.0.0.3"]
    await one.refresh()
    assert found.published == [
        ["10.0.0.9:1"],
        ["10.0.0.9:1", "10.0.0.1:1"],
        ["10.0.0.9:1", "10.0.0.2:1", "10.0.0.3:1"],
    ]


async def test_two_names_of_one_machine_are_one_model_server() -> None:
    found, names = Found(), Names(a=["10.0.0.1"], b=["10.0.0.1"])
    one = discovery(found, names, "a:1", "b:1")
    await one.refresh()
    assert len(found.published[-1]) == 2  # their certificates bear different names
    found = Found()
    discovery(found, names, "10.0.0.1:1", "10.0.0.1:1")
    assert found.published == [["10.0.0.1:1"]]


@pytest.mark.parametrize("state", ["gone", "empty"])
async def test_a_name_that_cannot_be_looked_up_keeps_its_addresses(
    state: str, caplog: pytest.LogCaptureFixture
) -> None:
    found, names = Found(), Names(models=["10.0.0.1"])
    one = discovery(found, names, "models:1")
    await one.refresh()
    names.addresses = {} if state == "gone" else {"models": []}
    await one.refresh()
    assert found.published == [["10.0.0.1:1"]]
    assert ("cannot be looked up" in caplog.text) is (state == "gone")


def test_a_look_that_never_ends_is_given_up_and_the_other_names_are_known() -> None:
    class Hanging(Names):
        async def resolve(self, host: str, port: int) -> Sequence[str]:
            if host == "hangs":
                await asyncio.Event().wait()
            return await super().resolve(host, port)

    async def scenario() -> list[list[str]]:
        found = Found()
        await discovery(found, Hanging(models=["10.0.0.1"]), "hangs:1", "models:1").refresh()
        return found.published

    assert run_in_virtual_time(scenario()) == [["10.0.0.1:1"]]


async def test_it_looks_again_and_again() -> None:
    found, names = Found(), Names(models=["10.0.0.1"])
    task = asyncio.create_task(discovery(found, names, "models:1").run())
    async with asyncio.timeout(5):
        await names.asked_thrice.wait()
    task.cancel()
    assert found.published == [["10.0.0.1:1"]]
