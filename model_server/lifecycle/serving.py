"""From a request to the version that answers it.

The map of what serves is immutable and replaced by one assignment, so every request sees either
the old map or the new one. A request holds its version until it ends; a version that was taken out
of the map is freed when the last of its requests has ended.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from model_server.servables.servable import Servable, ServableId
from model_server.status import Code, StatusError


class ServableHandle:
    """A loaded version and the number of requests that use it. Thread-safe.

    Attributes:
        servable: The version.
    """

    def __init__(self, servable: Servable) -> None:
        self.servable = servable
        self._uses = 0
        self._retired = False
        self._changed = threading.Condition()

    def acquire(self) -> bool:
        """Counts one more request; False when the version was retired, and must not be used."""
        with self._changed:
            if self._retired:
                return False
            self._uses += 1
            return True

    def release(self) -> None:
        """Counts one request less."""
        with self._changed:
            self._uses -= 1
            if self._retired and not self._uses:
                self._changed.notify_all()

    def retire(self) -> None:
        """Refuses new requests and waits until the last one has ended."""
        with self._changed:
            self._retired = True
            self._changed.wait_for(lambda: not self._uses)


@dataclass(frozen=True)
class _ServingMap:
    handles: Mapping[ServableId, ServableHandle] = field(default_factory=dict)
    latest: Mapping[str, ServableHandle] = field(default_factory=dict)

    @classmethod
    def of(cls, handles: Mapping[ServableId, ServableHandle]) -> _ServingMap:
        ascending = sorted(handles.items(), key=lambda item: item[0].version)
        return cls(dict(handles), {key.name: handle for key, handle in ascending})


class ServingTable:
    """The versions that answer requests. One thread changes it; any thread may look things up."""

    def __init__(self) -> None:
        self._map = _ServingMap()

    def add(self, handle: ServableHandle) -> None:
        """Offers a version. Requests without a version go to it if it is the model's highest."""
        servable_id = handle.servable.servable_id
        self._map = _ServingMap.of({**self._map.handles, servable_id: handle})

    def remove(self, servable_id: ServableId) -> ServableHandle:
        """Stops offering a version; requests that have begun keep it."""
        handles = dict(self._map.handles)
        handle = handles.pop(servable_id)
        self._map = _ServingMap.of(handles)
        return handle

    def handles(self) -> list[ServableHandle]:
        """All versions on offer."""
        return list(self._map.handles.values())

    def is_available(self, servable_id: ServableId) -> bool:
        """True while requests can reach that version."""
        return servable_id in self._map.handles

    @contextmanager
    def lease(self, name: str, version: int | None) -> Iterator[Servable]:
        """Holds a version for the length of a request.

        Args:
            name: The model.
            version: Its version; None: the highest on offer.

        Raises:
            StatusError: NOT_FOUND when it is not on offer.
        """
        handle = self._find(name, version)
        while not handle.acquire():  # it was retired between the look-up and here
            handle = self._find(name, version)
        try:
            yield handle.servable
        finally:
            handle.release()

    def _find(self, name: str, version: int | None) -> ServableHandle:
        if version is None:
            found, wanted = self._map.latest.get(name), f"Latest({name})"
        else:
            found = self._map.handles.get(ServableId(name, version))
            wanted = f"Specific({name}, {version})"
        if found is None:
            raise StatusError(Code.NOT_FOUND, f"Servable not found for request: {wanted}")
        return found
