"""Shows what a classifier looked at: in the terminal, or in files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

from rich.console import Console

from heed.cli.arguments import JSON_ONLY, NO_ATTENTION, TERMINAL
from heed.cli.attention_output import can_encode, save_document, save_with_note
from heed.cli.documents import source_attention_document
from heed.cli.numbered_files import NumberedFiles
from heed.client import ClassifyResult
from heed.figures.visible import one_line
from heed.views.painted_text import painted_text


class PaintedOutput(Protocol):
    """Takes one answer after another."""

    def write(self, number: int, result: ClassifyResult) -> None:
        """Shows an answer's attention; `number` is its place among the texts, from 1."""

    def close(self) -> None:
        """Finishes what is left to write."""


class Nowhere:
    """Shows nothing."""

    def write(self, number: int, result: ClassifyResult) -> None:
        """Shows nothing."""

    def close(self) -> None:
        """Has nothing to finish."""


class PaintedTerminal:
    """Paints texts on standard output; with marks below the lines where there are no colours."""

    def __init__(self) -> None:
        self._console = Console(file=sys.stdout, highlight=False)
        self._ascii_only = not can_encode(sys.stdout.encoding or "ascii", "░▒▓█")

    def write(self, number: int, result: ClassifyResult) -> None:
        """Paints the text."""
        if result.attention is None:
            return
        painted = painted_text(
            result.attention,
            width=self._console.width,
            marks=self._console.color_system is None,
            ascii_only=self._ascii_only,
        )
        self._console.print()
        self._console.print(painted, soft_wrap=True)
        self._console.print()

    def close(self) -> None:
        """Has nothing to finish."""


class PaintedFiles:
    """Writes a file for every answer; its ending says what kind."""

    def __init__(self, path: Path) -> None:
        self._files = NumberedFiles(path, _save)
        if path.suffix.lower() != ".json":
            import heed.views.text_picture  # noqa: F401  # says at once if matplotlib is missing

    def write(self, number: int, result: ClassifyResult) -> None:
        """Writes the answer's file; the first waits to see whether it is the only one."""
        self._files.write(number, result)

    def close(self) -> None:
        """Writes the only answer, if there was just one."""
        self._files.close()


def painted_output(view: str) -> PaintedOutput:
    """The output for `--attention VIEW`.

    Raises:
        PlotError: A picture is wanted and matplotlib is not installed.
    """
    if view in (NO_ATTENTION, JSON_ONLY):
        return Nowhere()
    return PaintedTerminal() if view == TERMINAL else PaintedFiles(Path(view))


def _save(path: Path, result: ClassifyResult) -> None:
    if result.attention is None:
        return
    if path.suffix.lower() == ".json":
        save_document(path, source_attention_document(result.attention))
        return
    from heed.views.text_picture import draw_painted_text

    title = f"{one_line(result.label)}   ({result.probability:.1%})"
    save_with_note(draw_painted_text(result.attention, title=title), path)
