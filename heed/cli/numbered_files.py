"""Files for answers: one by its own name, several by number."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

Item = TypeVar("Item")


class NumberedFiles(Generic[Item]):
    """Writes a file for every item: FILE.png if there is one, else FILE-1.png, FILE-2.png, ...

    Args:
        path: The file.
        save: Writes an item to a path.
    """

    def __init__(self, path: Path, save: Callable[[Path, Item], None]) -> None:
        self._path = path
        self._save = save
        self._held: tuple[int, Item] | None = None
        self._is_numbered = False

    def write(self, number: int, item: Item) -> None:
        """Writes the item's file; the first waits to see whether it is the only one."""
        if self._held is None and not self._is_numbered:
            self._held = (number, item)
            return
        self._is_numbered = True
        if self._held is not None:
            held_number, held = self._held
            self._held = None
            self._finish(self._numbered(held_number), held)
        self._finish(self._numbered(number), item)

    def close(self) -> None:
        """Writes the only item, if there was just one."""
        if self._held is not None:
            _, item = self._held
            self._held = None
            self._finish(self._path, item)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.stem}-{number}{self._path.suffix}")

    def _finish(self, path: Path, item: Item) -> None:
        self._save(path, item)
        print(f"heed: wrote {path}", file=sys.stderr)
