"""Texts from standard input, one per line."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator


class NumberedLines:
    """Reads lines, hands out those that hold text, and remembers the numbers of the others.

    Args:
        lines: Lines as bytes, in UTF-8; bytes that are not become lone surrogates, which the
            client refuses by name.
    """

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self._waiting: deque[int] = deque()
        self.line_count = 0
        self.byte_count = 0

    def texts(self) -> Iterator[str]:
        """The lines that hold more than white space, without their line ends."""
        for line in self._lines:
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
