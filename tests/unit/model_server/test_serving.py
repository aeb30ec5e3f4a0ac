from __future__ import annotations

import threading

import pytest

from model_server.lifecycle.serving import ServableHandle, ServingTable
from model_server.servables.servable import ServableId
from model_server.status import Code, StatusError
from tests.support.servables import idle_servable


def table_of(*versions: int) -> ServingTable:
    table = ServingTable()
    for version in versions:
        table.add(ServableHandle(idle_servable("m", version)))
    return table


def leased_version(table: ServingTable, version: int | None) -> int:
    with table.lease("m", version) as servable:
        return servable.servable_id.version


def test_without_a_version_the_highest_on_offer_answers() -> None:
    table = table_of(2, 11, 9)
    assert leased_version(table, None) == 11
    table.remove(ServableId("m", 11))
    assert leased_version(table, None) == 9


def test_a_version_that_is_asked_for_answers() -> None:
    assert leased_version(table_of(2, 11), 2) == 2


@pytest.mark.parametrize(
    ("name", "version", "wanted"), [("n", None, "Latest(n)"), ("m", 0, "Specific(m, 0)")]
)
def test_what_is_not_on_offer_is_not_found(name: str, version: int | None, wanted: str) -> None:
    with pytest.raises(StatusError) as caught, table_of(1).lease(name, version):
        pass
    assert caught.value.code is Code.NOT_FOUND
    assert caught.value.message == f"Servable not found for request: {wanted}"


def test_a_version_is_freed_only_when_its_last_request_has_ended() -> None:
    table = table_of(1)
    first, second = table.lease("m", None), table.lease("m", None)
    first.__enter__()
    second.__enter__()
    retiring = threading.Thread(target=table.remove(ServableId("m", 1)).retire)
    retiring.start()
    first.__exit__(None, None, None)
    retiring.join(0.05)
    assert retiring.is_alive()
    second.__exit__(None, None, None)
    retiring.join(10)
    assert not retiring.is_alive()


def test_a_failing_request_gives_its_version_back() -> None:
    table = table_of(1)
    with pytest.raises(ValueError, match="no"), table.lease("m", 1):
        raise ValueError("no")
    table.remove(ServableId("m", 1)).retire()


class VanishingHandle(ServableHandle):
    """A version that is unloaded in the moment between its look-up and its use."""

    def __init__(self, table: ServingTable, version: int) -> None:
        super().__init__(idle_servable("m", version))
        self._table = table

    def acquire(self) -> bool:
        if self._table.is_available(self.servable.servable_id):
            self._table.remove(self.servable.servable_id)
            self.retire()
        return super().acquire()


def test_versions_retired_between_look_up_and_use_are_not_used() -> None:
    table = table_of(1)
    for version in (2, 3):
        table.add(VanishingHandle(table, version))
    assert leased_version(table, None) == 1
    assert [handle.servable.servable_id.version for handle in table.handles()] == [1]
