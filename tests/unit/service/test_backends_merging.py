"""What model servers say, made into one state of a model."""

from __future__ import annotations

from typing import Any

import pytest

from service.backends.merging import (
    MAX_VERSION_STATES,
    Reach,
    ReplicaView,
    VersionRules,
    merge,
)
from service.domain.models import (
    CanaryShare,
    LoadedVersion,
    ModelState,
    Readiness,
    VersionCondition,
    VersionKey,
)
from service.settings.versions import RollOut
from tests.support.stub_model_server import echo_contract, letters

REFUSED, FAILED = VersionCondition.REFUSED, VersionCondition.FAILED


def loaded(version: int) -> LoadedVersion:
    return LoadedVersion(VersionKey("m", version), echo_contract(), letters(), letters(), "f" * 64)


LOADED = {version: loaded(version) for version in range(1, 10)}


def view(*versions: int, **more: Any) -> ReplicaView:
    good = tuple(LOADED[version] for version in sorted(versions, reverse=True))
    return ReplicaView(Reach.ANSWERS, good, **more)


def away(code: str = "UNAVAILABLE") -> ReplicaView:
    return ReplicaView(Reach.UNREACHABLE, status_code=code)


def merged(*views: ReplicaView, **rules: Any) -> ModelState:
    return merge("m", views, VersionRules(**rules))


def test_versions_of_all_model_servers_can_be_asked_for() -> None:
    state = merged(view(2, 1), view(1), view(3, 1))
    assert state.version_numbers == (3, 2, 1)
    assert state.current_version == 1
    assert [(one.version, one.replica_count) for one in state.version_states] == [
        *((3, 1), (2, 1), (1, 3))
    ]
    assert (state.replica_count, state.healthy_replica_count) == (3, 3)
    assert (state.readiness, state.status_message) == (Readiness.READY, "")


@pytest.mark.parametrize(
    ("roll_out", "steps"),
    [
        (RollOut.ONE, [1, 2, 2, 2]),
        (RollOut.HALF, [1, 1, 2, 2]),
        (RollOut.ALL, [1, 1, 2, 2]),
    ],
)
def test_calls_go_over_during_a_roll_out_that_replaces_versions(
    roll_out: RollOut, steps: list[int]
) -> None:
    """With one version on each, "all" can never be met half way: most of them decide."""
    stages = [[1, 1, 1], [2, 1, 1], [2, 2, 1], [2, 2, 2]]
    states = [merged(*(view(version) for version in stage), roll_out=roll_out) for stage in stages]
    assert [state.current_version for state in states] == steps


def test_calls_go_over_when_all_have_it_if_that_is_asked_for() -> None:
    stages = [[(1,), (1,)], [(2, 1), (1,)], [(2, 1), (2, 1)]]
    states = [
        merged(*(view(*versions) for versions in stage), roll_out=RollOut.ALL) for stage in stages
    ]
    assert [state.current_version for state in states] == [1, 1, 2]


def test_model_servers_that_are_away_do_not_count() -> None:
    state = merged(view(2), view(2, 1), away(), away(), roll_out=RollOut.ALL)
    assert state.current_version == 2
    assert (state.replica_count, state.healthy_replica_count) == (4, 2)
    assert state.is_ready


def test_canaries_get_a_share_and_the_rest_goes_to_the_current_version() -> None:
    canaries = (CanaryShare(3, 0.05), CanaryShare(9, 0.1))
    state = merged(view(3, 2, 1), canaries=canaries)
    assert state.current_version == 2
    assert state.canaries == (CanaryShare(3, 0.05),)  # version 9 is not there
    shares = {one.version: one.traffic_share for one in state.version_states}
    assert shares == {3: 0.05, 2: pytest.approx(0.95), 1: 0.0}


def test_a_canary_alone_gets_all() -> None:
    state = merged(view(3), canaries=(CanaryShare(3, 0.05),))
    assert [one.traffic_share for one in state.version_states] == [1.0]


def test_labels_come_from_the_settings_or_from_most_model_servers() -> None:
    views = [
        view(2, 1, labels={"stable": 1, "next": 2}),
        view(2, 1, labels={"stable": 2, "next": 2}),
        view(2, 1, labels={"stable": 1}),
    ]
    state = merged(*views, labels={"next": 1, "old": 7})
    assert state.labels == {"stable": 1, "next": 1, "old": 7}
    assert [one.labels for one in state.version_states] == [(), ("next", "stable")]


def test_between_two_meanings_of_a_label_the_newer_one_counts() -> None:
    assert merged(view(2, 1, labels={"s": 1}), view(2, 1, labels={"s": 2})).labels == {"s": 2}


@pytest.mark.parametrize(
    ("views", "readiness", "message"),
    [
        ([ReplicaView()], Readiness.LOADING, "the model server has not been asked yet"),
        ([ReplicaView(), away()], Readiness.LOADING, "the model server has not been asked yet"),
        ([away()], Readiness.UNREACHABLE, "the model server does not answer (UNAVAILABLE)"),
        (
            [away(), away("DEADLINE_EXCEEDED")],
            Readiness.UNREACHABLE,
            "none of the 2 model servers answers (DEADLINE_EXCEEDED, UNAVAILABLE)",
        ),
        (
            [ReplicaView(Reach.UNKNOWN_MODEL)],
            Readiness.LOADING,
            "the model server has no model 'm'",
        ),
        (
            [ReplicaView(Reach.UNKNOWN_MODEL)] * 2,
            Readiness.LOADING,
            "the model servers have no model 'm'",
        ),
        (
            [ReplicaView(Reach.UNKNOWN_MODEL), away()],
            Readiness.UNREACHABLE,
            "none of the 2 model servers answers (UNAVAILABLE)",
        ),
        ([view()], Readiness.LOADING, "the model server has no version ready"),
        (
            [view(problems={3: (REFUSED, "no score")})],
            Readiness.REFUSED,
            "version 3 was refused: no score",
        ),
        (
            [view(problems={3: (FAILED, "DATA_LOSS: x")})],
            Readiness.LOADING,
            "version 3 could not be loaded by the model server: DATA_LOSS: x",
        ),
        (
            [view(1, problems={3: (REFUSED, "no score"), 2: (FAILED, "x")})],
            Readiness.READY,
            "version 3 was refused: no score; version 2 could not be loaded by the model server: x",
        ),
        (
            [view(3, problems={2: (REFUSED, "old news")})],
            Readiness.READY,
            "",
        ),
        (
            [view(3), view(3), view(problems={3: (REFUSED, "another contract")})],
            Readiness.READY,
            "version 3 was refused (1 of 3 model servers): another contract",
        ),
    ],
)
def test_the_state_says_why_a_model_is_not_ready_or_not_at_its_newest(
    views: list[ReplicaView], readiness: Readiness, message: str
) -> None:
    state = merged(*views)
    assert (state.readiness, state.status_message) == (readiness, message)


def test_what_became_of_a_version_is_told_with_its_reason() -> None:
    state = merged(view(1, problems={2: (REFUSED, "no score")}), view(1))
    (newest, oldest) = state.version_states
    assert (newest.version, newest.condition, newest.replica_count) == (2, REFUSED, 0)
    assert newest.message == "version 2 was refused (1 of 2 model servers): no score"
    assert (oldest.condition, oldest.message) == (VersionCondition.READY, "")


def test_a_model_server_that_remembers_thousands_of_versions_does_not_fill_the_answer() -> None:
    problems = dict.fromkeys(range(10, 5000), (FAILED, "x"))
    state = merged(view(9, problems=problems))
    shown = [one.version for one in state.version_states]
    assert len(shown) == MAX_VERSION_STATES
    assert (shown[0], shown[-1]) == (4999, 9)
    assert state.status_message.endswith("model server: x; and 4986 more")
