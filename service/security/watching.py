"""Files that are read again when they change."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

LOOK_INTERVAL_S: Final = 0.5
"""Seconds between looks at files that may have changed; a change counts at the second look."""


class RefusedFileError(ValueError):
    """What a file holds cannot be used; the message names the file and what is wrong with it."""


class WatchedFiles:
    """Files that belong together, and what is done when what they hold changes.

    What they hold decides, not their dates: Kubernetes swaps a link, and a clock may jump. A
    change counts once two looks in a row found the same, so that a certificate is not read
    between the writing of it and of its key.

    Args:
        what: What the files are, for the log.
        paths: The files.
        reload: Reads them; nothing may change if it raises a RefusedFileError.
        tell: Called with whether they could be used, each time they were read again.
    """

    def __init__(
        self,
        what: str,
        paths: Sequence[Path],
        reload: Callable[[], None],
        *,
        tell: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._what = what
        self._tell = tell
        self._paths = tuple(paths)
        self._reload = reload
        self._read = self._seen = self._digest()

    async def run(self) -> None:
        """Looks for as long as it is not cancelled."""
        while True:
            await asyncio.sleep(LOOK_INTERVAL_S)
            self.look()

    def look(self) -> None:
        """Looks once, and reads the files if they have changed and come to rest."""
        digest = self._digest()
        is_at_rest, self._seen = digest == self._seen, digest
        if digest == self._read or not is_at_rest:
            return
        self._read = digest
        try:
            self._reload()
        except RefusedFileError as error:
            logger.error("the new %s is refused, the old one goes on: %s", self._what, error)
            self._tell(False)
        else:
            self._tell(True)
            logger.info("the new %s is in use", self._what)

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for path in self._paths:
            try:
                content = path.read_bytes()
            except OSError as error:
                content = f"unreadable: {error.errno}".encode()
            digest.update(len(content).to_bytes(8, "big") + content)
        return digest.hexdigest()
