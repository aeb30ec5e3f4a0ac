"""What all model servers together say about a model. Pure."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from service.backends.version_choice import current_version
from service.domain.models import (
    CanaryShare,
    LoadedVersion,
    ModelState,
    Readiness,
    VersionCondition,
    VersionState,
)
from service.settings.versions import RollOut

MAX_VERSION_STATES: Final = 32
"""Versions described in detail: a model server remembers all it ever had."""
MAX_NOTES: Final = 4
"""Versions that a status message speaks of, the newest ones."""


class Reach(StrEnum):
    """What is known of a model server."""

    NOT_ASKED = "not asked"
    ANSWERS = "answers"
    UNKNOWN_MODEL = "unknown model"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class ReplicaView:
    """What one model server says about one model.

    Attributes:
        reach: Whether it says anything.
        versions: Versions it answers, read and found to be good, newest first.
        problems: Versions it has but that cannot be used, and why.
        labels: The versions that labels stand for there.
        status_code: Why it is unreachable, as gRPC's status code.
    """

    reach: Reach = Reach.NOT_ASKED
    versions: tuple[LoadedVersion, ...] = ()
    problems: Mapping[int, tuple[VersionCondition, str]] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)
    status_code: str = ""


@dataclass(frozen=True, slots=True)
class VersionRules:
    """How versions are chosen.

    Attributes:
        roll_out: When calls without a version go over to a new one.
        canaries: Versions that are tried out.
        labels: Versions that labels stand for, where the user said so.
        followed_labels: Labels that the model servers are asked about.
        seed: Decides which calls go to canaries.
    """

    roll_out: RollOut = RollOut.HALF
    canaries: tuple[CanaryShare, ...] = ()
    labels: Mapping[str, int] = field(default_factory=dict)
    followed_labels: tuple[str, ...] = ()
    seed: int = 0


def merge(name: str, views: Sequence[ReplicaView], rules: VersionRules) -> ModelState:
    """The state of a model.

    Args:
        name: Its name.
        views: What each model server says, at least one.
        rules: How versions are chosen.
    """
    healthy = [view for view in views if view.reach is Reach.ANSWERS]
    loaded = {one.key.version: one for view in reversed(healthy) for one in view.versions}
    counts = collections.Counter(one.key.version for view in healthy for one in view.versions)
    canaries = tuple(canary for canary in rules.canaries if counts[canary.version])
    current = current_version(
        dict(counts),
        healthy_replica_count=len(healthy),
        roll_out=rules.roll_out,
        canaries=(canary.version for canary in canaries),
    )
    labels = {**_common_labels(healthy), **rules.labels}
    states = _version_states(healthy, counts, labels, shares=_shares(current, canaries))
    readiness = _readiness(views, healthy, states, is_ready=bool(counts))
    return ModelState(
        name=name,
        readiness=readiness,
        versions=tuple(loaded[version] for version in sorted(counts, reverse=True)),
        status_message=_status_message(name, views, states, readiness=readiness),
        current_version=current,
        canaries=canaries,
        labels=labels,
        version_states=_shown(states),
        replica_count=len(views),
        healthy_replica_count=len(healthy),
    )


def _shares(current: int | None, canaries: Iterable[CanaryShare]) -> dict[int, float]:
    shares = {canary.version: canary.share for canary in canaries}
    if current is not None:
        others = sum(share for version, share in shares.items() if version != current)
        shares[current] = 1.0 - others
    return shares


def _common_labels(views: Iterable[ReplicaView]) -> dict[str, int]:
    """The version of each label that most model servers name, the newest of several."""
    votes: dict[str, collections.Counter[int]] = {}
    for view in views:
        for label, version in view.labels.items():
            votes.setdefault(label, collections.Counter())[version] += 1
    return {
        label: max(count, key=lambda version: (count[version], version))
        for label, count in votes.items()
    }


def _version_states(
    views: Sequence[ReplicaView],
    counts: Mapping[int, int],
    labels: Mapping[str, int],
    *,
    shares: Mapping[int, float],
) -> tuple[VersionState, ...]:
    problems: dict[int, collections.Counter[tuple[VersionCondition, str]]] = {}
    for view in views:
        for version, problem in view.problems.items():
            problems.setdefault(version, collections.Counter())[problem] += 1
    states = []
    for version in sorted({*counts, *problems}, reverse=True):
        found = problems.get(version, collections.Counter())
        condition = next(iter(found))[0] if found and version not in counts else None
        states.append(
            VersionState(
                version=version,
                condition=condition or VersionCondition.READY,
                replica_count=counts.get(version, 0),
                message="; ".join(
                    _described(version, problem, count, view_count=len(views))
                    for problem, count in found.items()
                ),
                labels=tuple(sorted(label for label, its in labels.items() if its == version)),
                traffic_share=shares.get(version, 0.0),
            )
        )
    return tuple(states)


def _shown(states: Sequence[VersionState]) -> tuple[VersionState, ...]:
    """So many states as may be shown: those that are ready before others, newest first."""
    by_worth = sorted(states, key=lambda state: (not state.replica_count, -state.version))
    shown = by_worth[:MAX_VERSION_STATES]
    return tuple(sorted(shown, key=lambda state: -state.version))


_WORDS: Final = {
    VersionCondition.REFUSED: "was refused",
    VersionCondition.FAILED: "could not be loaded by the model server",
    VersionCondition.LOADING: "is not ready yet",
}


def _described(
    version: int, problem: tuple[VersionCondition, str], count: int, *, view_count: int
) -> str:
    condition, why = problem
    where = f" ({count} of {view_count} model servers)" if view_count > 1 else ""
    return f"version {version} {_WORDS[condition]}{where}: {why}"


def _readiness(
    views: Sequence[ReplicaView],
    healthy: Sequence[ReplicaView],
    states: Iterable[VersionState],
    *,
    is_ready: bool,
) -> Readiness:
    if is_ready:
        return Readiness.READY
    if not healthy:
        away = (Reach.UNREACHABLE, Reach.UNKNOWN_MODEL)
        is_away = any(view.reach is Reach.UNREACHABLE for view in views) and all(
            view.reach in away for view in views
        )
        return Readiness.UNREACHABLE if is_away else Readiness.LOADING
    if any(state.condition is VersionCondition.REFUSED for state in states):
        return Readiness.REFUSED
    return Readiness.LOADING


def _status_message(
    name: str,
    views: Sequence[ReplicaView],
    states: Sequence[VersionState],
    *,
    readiness: Readiness,
) -> str:
    """What is wrong: with newer versions than answer, and with some of the model servers."""
    if not any(view.reach is Reach.ANSWERS for view in views):
        return _why_silent(name, views)
    newest = max((state.version for state in states if state.replica_count), default=-1)
    notes = [
        state.message
        for state in states
        if state.message and (state.version > newest or state.replica_count)
    ]
    if not notes and readiness is not Readiness.READY:
        notes = ["the model server has no version ready"]
    more = len(notes) - MAX_NOTES
    return "; ".join([*notes[:MAX_NOTES], *([f"and {more} more"] if more > 0 else [])])


def _why_silent(name: str, views: Sequence[ReplicaView]) -> str:
    is_one = len(views) == 1
    if any(view.reach is Reach.NOT_ASKED for view in views):
        return "the model server has not been asked yet"
    if all(view.reach is Reach.UNKNOWN_MODEL for view in views):
        return (
            f"the model server{'' if is_one else 's'} ha{'s' if is_one else 've'} no model {name!r}"
        )
    codes = ", ".join(sorted({view.status_code for view in views if view.status_code}))
    if is_one:
        return f"the model server does not answer ({codes})"
    return f"none of the {len(views)} model servers answers ({codes})"
