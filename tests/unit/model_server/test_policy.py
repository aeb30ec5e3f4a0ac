from __future__ import annotations

import pytest

from model_server.lifecycle.policy import Action, ActionKind, VersionView, next_action
from model_server.lifecycle.states import State

LOAD, UNLOAD = ActionKind.LOAD, ActionKind.UNLOAD
NEW, LOADING, READY, ENDED = State.START, State.LOADING, State.AVAILABLE, State.END
WANTED, UNWANTED = True, False


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        pytest.param([], None, id="nothing to do without versions"),
        pytest.param([(1, NEW, WANTED)], (LOAD, 1), id="a new one is loaded"),
        pytest.param([(1, LOADING, WANTED)], None, id="a load under way is waited for"),
        pytest.param(
            [(1, NEW, WANTED), (3, NEW, WANTED), (2, NEW, WANTED)],
            (LOAD, 3),
            id="the highest is loaded first",
        ),
        pytest.param(
            [(1, READY, UNWANTED), (2, NEW, WANTED)],
            (LOAD, 2),
            id="the old one stays while the new one is not there",
        ),
        pytest.param(
            [(1, READY, UNWANTED), (2, LOADING, WANTED)], None, id="and while the new one loads"
        ),
        pytest.param(
            [(1, READY, UNWANTED), (2, ENDED, WANTED)], None, id="and when the new one is broken"
        ),
        pytest.param(
            [(1, READY, UNWANTED), (2, READY, WANTED)],
            (UNLOAD, 1),
            id="the old one goes when the new one is ready",
        ),
        pytest.param(
            [(1, READY, UNWANTED), (2, READY, WANTED), (3, NEW, WANTED)],
            (UNLOAD, 1),
            id="unloads come before loads",
        ),
        pytest.param(
            [(1, READY, UNWANTED)], (UNLOAD, 1), id="the last one goes when none is wanted"
        ),
        pytest.param(
            [(1, READY, UNWANTED), (2, READY, UNWANTED), (3, LOADING, WANTED)],
            (UNLOAD, 1),
            id="the lowest of two old ones goes at once",
        ),
    ],
)
def test_the_next_action(
    versions: list[tuple[int, State, bool]], expected: tuple[ActionKind, int] | None
) -> None:
    views = [VersionView(*version) for version in versions]
    assert next_action(views) == (Action(*expected) if expected else None)
