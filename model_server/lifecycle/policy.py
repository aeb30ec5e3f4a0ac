"""The change-over from one version to another, so that something always serves. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from model_server.lifecycle.states import State


class ActionKind(StrEnum):
    """What to do with a version."""

    LOAD = "load"
    UNLOAD = "unload"


@dataclass(frozen=True)
class Action:
    """The next step of a model."""

    kind: ActionKind
    version: int


@dataclass(frozen=True)
class VersionView:
    """What the policy needs to know of a version.

    Attributes:
        version: Its number.
        state: Its state.
        wanted: True while the model's source asks for it.
    """

    version: int
    state: State
    wanted: bool


def next_action(versions: Sequence[VersionView]) -> Action | None:
    """The next step that keeps the model available, or None when there is nothing to do.

    An unwanted version is unloaded only when a wanted one is ready, when none is wanted, or when
    more than one unwanted version is ready; the lowest goes first. Of the new wanted versions the
    highest is loaded first. Unloads come before loads.
    """
    ready = [view for view in versions if view.state is State.AVAILABLE]
    unwanted_ready = sorted(view.version for view in ready if not view.wanted)
    wanted = [view for view in versions if view.wanted]
    replaced = not wanted or any(view.wanted for view in ready)
    if unwanted_ready and (replaced or len(unwanted_ready) > 1):
        return Action(ActionKind.UNLOAD, unwanted_ready[0])
    new = [view.version for view in wanted if view.state is State.START]
    return Action(ActionKind.LOAD, max(new)) if new else None
