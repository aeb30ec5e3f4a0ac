"""Texts from standard input, one per line."""

from __future__ import annotations

import os
import select
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final

from heed.client import PAUSE, HeedError, Pause

MAX_LINE_BYTES: Final = 2**20
"""The longest line that is read, in bytes; an input without line ends must not fill the memory."""

_BLOCK_BYTES: Final = 2**16


class LongLineError(HeedError):
    """A line of the input is longer than any text can be."""


def lines_at_hand(descriptor: int) -> Iterator[bytes | Pause]:
    """Reads lines as they come, with their line ends; PAUSE before each wait for more.

    Args:
        descriptor: An open file, pipe or terminal.

    Raises:
        LongLineError: A line is longer than MAX_LINE_BYTES; the lines before it are answered.
    """
    parts: list[bytes] = []
    while True:
        if not _is_ready(descriptor):
            yield PAUSE
        block = os.read(descriptor, _BLOCK_BYTES)
        if not block:
            break
        first, *others = block.split(b"\n")
        parts.append(first)
        for other in others:
            yield b"".join(parts) + b"\n"
            parts = [other]
        if sum(map(len, parts)) > MAX_LINE_BYTES:
            yield PAUSE
            raise LongLineError(f"has more than {MAX_LINE_BYTES} bytes")
    if any(parts):
        yield b"".join(parts)


def _is_ready(descriptor: int) -> bool:
    """Whether a read returns at once; where that cannot be known, it is taken to."""
    try:
        return bool(select.select([descriptor], [], [], 0)[0])
    except (OSError, ValueError):
        return True


class NumberedLines:
    """Hands out lines that hold text, and remembers the numbers of the others.

    Args:
        lines: Lines as bytes, in UTF-8, and PAUSE where the next one is not there yet; bytes that
            are not UTF-8 become lone surrogates, which the client refuses by name.
    """

    def __init__(self, lines: Iterable[bytes | Pause]) -> None:
        self._lines = lines
        self._waiting: deque[int] = deque()
        self.line_count = 0
        self.byte_count = 0

    def texts(self) -> Iterator[str | Pause]:
        """The lines that hold more than white space, without their line ends; and the pauses."""
        for line in self._lines:
            if isinstance(line, Pause):
                yield line
                continue
            self.line_count += 1
            self.byte_count += len(line)
            text = line.decode("utf-8-sig" if self.line_count == 1 else "utf-8", "surrogateescape")
            text = text.rstrip("\r\n")
            if text.strip():
                self._waiting.append(self.line_count)
                yield text

    @property
    def next_line_number(self) -> int | None:
        """The line, counted from 1, of the oldest text that is not settled yet."""
        return self._waiting[0] if self._waiting else None

    def settle(self) -> int:
        """Forgets the oldest text, which is answered now; returns its line number."""
        return self._waiting.popleft()
