"""Servables without a graph, for tests of what happens around them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from model_server.engine.tensor import NativeTensor, Tensor
from model_server.servables.servable import Servable, ServableId
from model_server.status import Code, StatusError


class IdleSession:
    """Stands in for a session that nobody runs; it remembers whether it was closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def run(
        self, feeds: Mapping[str, NativeTensor], fetches: Sequence[str], *, timeout_ms: int | None
    ) -> Sequence[Tensor]:
        """There is no graph to run."""
        raise NotImplementedError

    def cancel(self) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Remember it."""
        self.closed.set()


def idle_servable(name: str, version: int) -> Servable:
    """A servable that cannot run anything."""
    return Servable(ServableId(name, version), IdleSession(), {}, b"")


class ScriptedLoader:
    """Loads at once, waits for `release`, or fails, as told for each version.

    Attributes:
        held: Versions whose load waits until `release`.
        broken: Versions whose load fails.
        exploding: Versions whose load fails in a way that no loader should.
        attempts: Every load that was begun, in order.
    """

    def __init__(self) -> None:
        self.held: set[int] = set()
        self.broken: set[int] = set()
        self.exploding: set[int] = set()
        self.attempts: list[int] = []
        self.loaded: dict[int, Servable] = {}
        self._released = threading.Event()

    def release(self) -> None:
        """Let the held loads go on."""
        self._released.set()

    def __call__(self, servable_id: ServableId, path: Path) -> Servable:
        """The loader's signature in `model_server.lifecycle.manager`."""
        version = servable_id.version
        self.attempts.append(version)
        if version in self.held:
            self._released.wait(20)
        if version in self.exploding:
            raise MemoryError("too large")
        if version in self.broken:
            raise StatusError(Code.DATA_LOSS, f"version {version} is broken")
        self.loaded[version] = idle_servable(servable_id.name, version)
        return self.loaded[version]
