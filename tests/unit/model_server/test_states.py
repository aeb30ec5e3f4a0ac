from __future__ import annotations

import threading

from model_server.lifecycle.states import State, StateMonitor
from model_server.servables.servable import ServableId
from model_server.status import Code, StatusError


def test_versions_are_listed_newest_first_and_kept_after_their_end() -> None:
    monitor = StateMonitor()
    for version in (2, 10, 1):
        monitor.report(ServableId("m", version), State.START)
    monitor.report(ServableId("m", 10), State.END)
    assert [(found.version, found.state) for found in monitor.versions("m")] == [
        (10, State.END),
        (2, State.START),
        (1, State.START),
    ]
    assert monitor.versions("other") == []


def test_waiting_ends_when_every_model_has_a_settled_version() -> None:
    monitor = StateMonitor()
    error = StatusError(Code.DATA_LOSS, "broken")
    monitor.report(ServableId("a", 1), State.AVAILABLE)
    later = threading.Timer(
        0.05, lambda: monitor.report(ServableId("b", 3), State.END, error=error)
    )
    later.start()
    settled = monitor.wait_until_settled(["a", "b"], timeout_s=10)
    later.join()
    found = settled["b"]
    assert found is not None
    assert (found.version, found.error) == (3, error)


def test_the_newest_settled_version_decides() -> None:
    monitor = StateMonitor()
    monitor.report(ServableId("m", 1), State.END, error=StatusError(Code.UNKNOWN, "broken"))
    monitor.report(ServableId("m", 2), State.AVAILABLE)
    monitor.report(ServableId("m", 3), State.LOADING)
    found = monitor.wait_until_settled(["m"], timeout_s=1)["m"]
    assert found is not None
    assert found.version == 2


def test_waiting_ends_when_the_time_is_up() -> None:
    assert StateMonitor().wait_until_settled(["m"], timeout_s=0.01) == {"m": None}


def test_states_from_before_are_not_waited_for() -> None:
    monitor = StateMonitor()
    monitor.report(ServableId("m", 2), State.END, error=StatusError(Code.UNKNOWN, "broken"))
    before = monitor.changes
    monitor.report(ServableId("m", 1), State.AVAILABLE)
    found = monitor.wait_until_settled(["m"], timeout_s=1, since=before)["m"]
    assert found is not None
    assert found.version == 1


def test_a_version_that_was_unloaded_settles_nothing() -> None:
    monitor = StateMonitor()
    monitor.report(ServableId("m", 1), State.END)
    assert monitor.wait_until_settled(["m"], timeout_s=0.01) == {"m": None}
