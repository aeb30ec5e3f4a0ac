from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest

from model_server.lifecycle.manager import LoadPolicy, VersionManager
from model_server.lifecycle.serving import ServingTable
from model_server.lifecycle.states import State, StateMonitor
from tests.support.servables import IdleSession, ScriptedLoader
from tests.support.waiting import wait_until

LOADING, AVAILABLE, UNLOADING, END = (
    *(State.LOADING, State.AVAILABLE),
    *(State.UNLOADING, State.END),
)


class Managed:
    """A running manager of one model `m`, with a scripted loader."""

    def __init__(self, base_path: Path, policy: LoadPolicy) -> None:
        self.loader, self.states, self.table = ScriptedLoader(), StateMonitor(), ServingTable()
        self.manager = VersionManager(self.loader, policy, table=self.table, states=self.states)
        self.base_path = base_path
        self.manager.start()

    def want(self, *versions: int, name: str = "m") -> None:
        folders = {version: self.base_path / str(version) for version in versions}
        for folder in folders.values():
            folder.mkdir(exist_ok=True)
        self.manager.set_wanted(name, folders)

    def stop(self) -> None:
        self.loader.release()
        self.manager.stop()

    def seen(self, name: str = "m") -> dict[int, State]:
        return {found.version: found.state for found in self.states.versions(name)}

    def wait_for(self, expected: dict[int, State], name: str = "m") -> None:
        wait_until(lambda: self.seen(name) == expected, lambda: str(self.seen(name)))


Start = Callable[..., Managed]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a manager; keyword arguments are those of LoadPolicy."""
    started: list[Managed] = []

    def begin(**changes: float) -> Managed:
        values = {"concurrent_loads": 1, "max_retries": 0, "retry_interval_s": 0.0, **changes}
        started.append(Managed(tmp_path, LoadPolicy(**values)))  # type: ignore[arg-type]
        return started[-1]

    yield begin
    for managed in started:
        managed.stop()


def test_a_wanted_version_becomes_available(start: Start) -> None:
    managed = start()
    managed.want(1)
    managed.wait_for({1: AVAILABLE})


def test_the_old_version_goes_only_when_the_new_one_is_there(start: Start) -> None:
    managed = start()
    managed.want(1)
    managed.wait_for({1: AVAILABLE})
    managed.loader.held.add(2)
    managed.want(2)
    managed.wait_for({2: LOADING, 1: AVAILABLE})
    managed.loader.release()
    managed.wait_for({2: AVAILABLE, 1: END})
    assert cast(IdleSession, managed.loader.loaded[1].session).closed.is_set()


def test_a_version_in_use_is_unloading_until_its_last_request_ends(start: Start) -> None:
    managed = start()
    managed.want(1)
    managed.wait_for({1: AVAILABLE})
    with managed.table.lease("m", 1):
        managed.want(2)
        managed.wait_for({2: AVAILABLE, 1: UNLOADING})
        assert not cast(IdleSession, managed.loader.loaded[1].session).closed.is_set()
    managed.wait_for({2: AVAILABLE, 1: END})


def test_a_version_wanted_again_while_it_unloads_is_loaded_again(start: Start) -> None:
    managed = start()
    managed.want(1)
    managed.wait_for({1: AVAILABLE})
    with managed.table.lease("m", 1):
        managed.want()
        managed.wait_for({1: UNLOADING})
        managed.want(1)
    managed.wait_for({1: AVAILABLE})
    assert managed.loader.attempts == [1, 1]


def test_a_failed_load_is_tried_as_often_as_allowed(start: Start) -> None:
    managed = start(max_retries=2)
    managed.loader.broken.add(1)
    managed.want(1)
    managed.wait_for({1: END})
    assert managed.loader.attempts == [1, 1, 1]
    error = managed.states.versions("m")[0].error
    assert str(error) == "DATA_LOSS: version 1 is broken"


def test_a_retry_that_works_makes_the_version_available(start: Start) -> None:
    managed = start(max_retries=50, retry_interval_s=0.02)
    managed.loader.broken.add(1)
    managed.want(1)
    wait_until(lambda: len(managed.loader.attempts) > 2)
    assert managed.seen() == {1: LOADING}
    managed.loader.broken.clear()
    managed.wait_for({1: AVAILABLE})


def test_retries_end_when_the_version_is_no_longer_wanted(start: Start) -> None:
    managed = start(max_retries=5, retry_interval_s=60)
    managed.loader.broken.add(1)
    managed.want(1)
    wait_until(lambda: managed.loader.attempts == [1])
    managed.want(2)
    managed.wait_for({2: AVAILABLE, 1: END})
    assert managed.states.versions("m")[1].error is not None


def test_a_load_that_waits_for_its_retry_holds_up_nothing(start: Start) -> None:
    managed = start(max_retries=5, retry_interval_s=60)
    managed.loader.broken.add(1)
    managed.want(1)
    wait_until(lambda: managed.loader.attempts == [1])
    managed.want(7, name="other")
    managed.wait_for({7: AVAILABLE}, name="other")


def test_a_broken_version_is_not_tried_again_until_its_folder_changes(start: Start) -> None:
    managed = start()
    managed.loader.broken.add(1)
    managed.want(1)
    managed.wait_for({1: END})
    managed.want(1)
    managed.want(1, 2)
    managed.wait_for({2: AVAILABLE, 1: END})
    assert managed.loader.attempts == [1, 2]
    managed.loader.broken.clear()
    (managed.base_path / "1" / "saved_model.pb").touch()
    managed.want(1, 2)
    managed.wait_for({2: AVAILABLE, 1: AVAILABLE})


def test_no_more_versions_load_at_once_than_allowed(start: Start) -> None:
    managed = start(concurrent_loads=2)
    managed.loader.held.update((1, 2, 3))
    managed.want(1, 2, 3)
    managed.wait_for({3: LOADING, 2: LOADING, 1: State.START})
    managed.loader.release()
    managed.wait_for({3: AVAILABLE, 2: AVAILABLE, 1: AVAILABLE})


def test_a_version_dropped_before_its_load_began_ends(start: Start) -> None:
    managed = start()
    managed.loader.held.add(2)
    managed.want(1, 2)
    managed.wait_for({2: LOADING, 1: State.START})
    managed.want(2)
    managed.wait_for({2: LOADING, 1: END})


def test_an_unexpected_failure_ends_the_version_too(start: Start) -> None:
    managed = start()
    managed.loader.exploding.add(1)
    managed.want(1)
    managed.wait_for({1: END})
    assert str(managed.states.versions("m")[0].error) == "INTERNAL: MemoryError: too large"


def test_stopping_frees_every_version(start: Start) -> None:
    managed = start()
    managed.want(1, 2)
    managed.wait_for({2: AVAILABLE, 1: AVAILABLE})
    managed.stop()
    sessions = [cast(IdleSession, servable.session) for servable in managed.loader.loaded.values()]
    assert [session.closed.is_set() for session in sessions] == [True, True]


def test_more_versions_load_at_once_until_the_start_has_ended(start: Start) -> None:
    managed = start(concurrent_loads_at_start=3)
    managed.loader.held = {1, 2, 3, 4}
    managed.want(1, 2, 3, 4)
    wait_until(lambda: len(managed.loader.attempts) == 3)
    assert sorted(managed.seen().values()).count(LOADING) == 3
    managed.loader.release()
    managed.wait_for(dict.fromkeys((1, 2, 3, 4), AVAILABLE))


def test_after_the_start_as_many_load_at_once_as_are_allowed(start: Start) -> None:
    managed = start(concurrent_loads_at_start=3)
    managed.manager.end_start()
    managed.loader.held = {2}
    managed.want(1, 2)
    wait_until(lambda: managed.loader.attempts == [2])
    managed.wait_for({1: State.START, 2: LOADING})
