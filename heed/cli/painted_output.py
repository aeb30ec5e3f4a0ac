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
from heed.cli.picture_arguments import PictureLook, is_picture
from heed.client import ClassifyResult, SourceAttention
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

    def __init__(self, path: Path, look: PictureLook) -> None:
        self._files = NumberedFiles(path, self._save)
        self._look = look
        if is_picture(path):
            from heed.views.picture import check_width_mm  # says at once if matplotlib is missing

            check_width_mm(look.width_mm)

    def write(self, number: int, result: ClassifyResult) -> None:
        """Writes the answer's file; the first waits to see whether it is the only one."""
        self._files.write(number, result)

    def close(self) -> None:
        """Writes the only answer, if there was just one."""
        self._files.close()

    def _save(self, path: Path, result: ClassifyResult) -> None:
        if result.attention is None:
            return
        if path.suffix.lower() == ".json":
            save_document(path, source_attention_document(result.attention))
        elif is_picture(path):
            self._save_picture(path, result, result.attention)
        else:
            from heed.views.standalone import save_page

            save_page(path, result)

    def _save_picture(self, path: Path, result: ClassifyResult, attention: SourceAttention) -> None:
        from heed.views.text_picture import draw_painted_text

        title = self._look.title
        if title is None:
            title = f"{one_line(result.label)}   ({result.probability:.1%})"
        width_mm = self._look.width_mm
        save_with_note(draw_painted_text(attention, title=title, width_mm=width_mm), path)


def painted_output(view: str, *, look: PictureLook | None = None) -> PaintedOutput:
    """The output for `--attention VIEW`.

    Args:
        view: Where to show it.
        look: How pictures look; None = as wide as a page, with the label above them.

    Raises:
        PlotError: A picture is wanted and matplotlib is not installed, or its width is none.
    """
    if view in (NO_ATTENTION, JSON_ONLY):
        return Nowhere()
    return (
        PaintedTerminal() if view == TERMINAL else PaintedFiles(Path(view), look or PictureLook())
    )
