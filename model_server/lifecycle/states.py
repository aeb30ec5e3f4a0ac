"""What has become of every version that was ever wanted, as GetModelStatus reports it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from model_server.servables.servable import ServableId
from model_server.status import StatusError


class State(IntEnum):
    """A version's state, numbered as in `ModelVersionStatus.State`."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass(frozen=True)
class VersionState:
    """The newest state of a version.

    Attributes:
        version: Its number.
        state: The state.
        error: Why it ended, when its load failed.
        change: Its place among all changes of state, counted from 1.
    """

    version: int
    state: State
    error: StatusError | None
    change: int

    @property
    def settled(self) -> bool:
        """True once waiting for it is pointless: it can be used, or it has failed."""
        return self.state is State.AVAILABLE or self.error is not None


class StateMonitor:
    """Remembers the newest state of every version for the life of the process. Thread-safe."""

    def __init__(self) -> None:
        self._states: dict[str, dict[int, VersionState]] = {}
        self._changed = threading.Condition()
        self._changes = 0

    @property
    def changes(self) -> int:
        """How many changes of state were reported so far."""
        return self._changes

    def report(
        self, servable_id: ServableId, state: State, *, error: StatusError | None = None
    ) -> None:
        """Records a version's new state and wakes whoever waits for it."""
        with self._changed:
            versions = self._states.setdefault(servable_id.name, {})
            self._changes += 1
            versions[servable_id.version] = VersionState(
                servable_id.version, state, error, self._changes
            )
            self._changed.notify_all()

    def versions(self, name: str) -> list[VersionState]:
        """All versions of a model that were ever wanted, newest first; none when it is unknown."""
        with self._changed:
            states = self._states.get(name, {})
            return [states[version] for version in sorted(states, reverse=True)]

    def wait_until_settled(
        self, names: Iterable[str], *, timeout_s: float, since: int = 0
    ) -> dict[str, VersionState | None]:
        """Waits until each model has a version that is available or has failed.

        Args:
            names: The models.
            timeout_s: Return after this long in any case.
            since: Look only at states that were reported after so many changes.

        Returns:
            For each model the newest settled version; None where there is none yet.
        """
        give_up_at, wanted = time.monotonic() + timeout_s, list(names)
        with self._changed:
            while True:
                settled = {name: self._newest_settled(name, since) for name in wanted}
                remaining_s = give_up_at - time.monotonic()
                if all(settled.values()) or remaining_s <= 0:
                    return settled
                self._changed.wait(remaining_s)

    def _newest_settled(self, name: str, since: int) -> VersionState | None:
        states = self._states.get(name, {})
        newest_first = (states[version] for version in sorted(states, reverse=True))
        return next(
            (found for found in newest_first if found.settled and found.change > since), None
        )
