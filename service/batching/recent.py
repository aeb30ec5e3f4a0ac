"""A table that makes its entries on demand and keeps those used last. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

_MOST_ENTRIES: Final = 256

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """What is known per model or target. Versions come and go: the table does not grow with them.

    Args:
        make: Makes an entry that is not there.
        most: The most entries; beyond, the one unused for longest is forgotten.

    Example:
        >>> table = Recent(list, most=2)
        >>> for name in ("a", "b", "a", "c"):
        ...     table[name].append(name)
        >>> table["a"], table["b"]
        (['a', 'a'], [])
    """

    def __init__(self, make: Callable[[], Value], most: int = _MOST_ENTRIES) -> None:
        self._make = make
        self._most = most
        self._entries: OrderedDict[Key, Value] = OrderedDict()

    def __getitem__(self, key: Key) -> Value:
        if key not in self._entries:
            self._entries[key] = self._make()
            if len(self._entries) > self._most:
                self._entries.popitem(last=False)
        self._entries.move_to_end(key)
        return self._entries[key]
