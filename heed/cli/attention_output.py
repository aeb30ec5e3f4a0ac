"""Shows the attention of answers in the terminal or writes it to files."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from rich.console import Console

from heed.cli.arguments import JSON_ONLY, NO_ATTENTION, TERMINAL
from heed.cli.documents import Document, attention_document
from heed.cli.numbered_files import NumberedFiles
from heed.client import Attention
from heed.figures.visible import one_line
from heed.views.errors import PlotError
from heed.views.heat_map import heat_map

if TYPE_CHECKING:
    from heed.views.picture import Picture


class AttentionOutput(Protocol):
    """Takes the attention of one answer after another."""

    def write(self, number: int, attention: Attention, title: str) -> None:
        """Shows one answer's attention; `number` is its place among the texts, from 1."""

    def close(self) -> None:
        """Finishes what is left to write."""


class Nowhere:
    """Shows nothing."""

    def write(self, number: int, attention: Attention, title: str) -> None:
        """Shows nothing."""

    def close(self) -> None:
        """Has nothing to finish."""


class TerminalMaps:
    """Draws heat maps on standard output."""

    def __init__(self, *, heads: bool) -> None:
        self._heads = heads
        self._console = Console(file=sys.stdout, highlight=False)
        self._ascii_only = not can_encode(sys.stdout.encoding or "ascii", "·░▒▓█≥")

    def write(self, number: int, attention: Attention, title: str) -> None:
        """Draws one map, or one for every head."""
        for name, one in _maps(attention, heads=self._heads):
            self._console.print()
            if name:
                self._console.print(name, style="dim")
            shown = heat_map(one, width=self._console.width, ascii_only=self._ascii_only)
            self._console.print(shown, soft_wrap=True)
        self._console.print()

    def close(self) -> None:
        """Has nothing to finish."""


class AttentionFiles:
    """Writes a file for every answer: FILE.png if there is one, else FILE-1.png, FILE-2.png, ...

    Args:
        path: The file; its ending says what kind.
        heads: Whether to write every layer and head.
    """

    def __init__(self, path: Path, *, heads: bool) -> None:
        self._heads = heads
        self._files = NumberedFiles(path, self._save)
        if path.suffix.lower() != ".json":
            import heed.views.picture  # noqa: F401  # says at once if matplotlib is missing

    def write(self, number: int, attention: Attention, title: str) -> None:
        """Writes the answer's file; the first waits to see whether it is the only one."""
        self._files.write(number, (attention, title))

    def close(self) -> None:
        """Writes the only answer, if there was just one."""
        self._files.close()

    def _save(self, path: Path, answer: tuple[Attention, str]) -> None:
        attention, title = answer
        if path.suffix.lower() == ".json":
            save_document(path, attention_document(attention))
        else:
            _save_attention_picture(path, attention, title, heads=self._heads)


def attention_output(view: str, *, heads: bool) -> AttentionOutput:
    """The output for `--attention VIEW`.

    Raises:
        PlotError: A picture is wanted and matplotlib is not installed.
    """
    if view in (NO_ATTENTION, JSON_ONLY):
        return Nowhere()
    if view == TERMINAL:
        return TerminalMaps(heads=heads)
    return AttentionFiles(Path(view), heads=heads)


def answer_title(source_text: str, target_text: str, score: float) -> str:
    """The heading of an answer's picture."""
    shown_score = f"{score:.2f}".replace("-", "−")
    source, target = _in_place(one_line(source_text)), _in_place(one_line(target_text))
    return f"{source} → {target}   (score\u00a0{shown_score})"


def _in_place(text: str) -> str:
    """Text that runs from right to left, kept from turning what stands around it."""
    runs_left = any(unicodedata.bidirectional(character) in {"R", "AL"} for character in text)
    return f"\u200e{text}\u200e" if runs_left else text


def _maps(attention: Attention, *, heads: bool) -> Iterator[tuple[str, Attention]]:
    if not heads or attention.heads is None:
        yield "", attention
        return
    for layer, head in attention.head_places:
        yield f"layer {layer}, head {head}", attention.head(layer, head)


def save_document(path: Path, document: Document) -> None:
    """Writes a document as JSON.

    Raises:
        PlotError: The file cannot be written.
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise PlotError(f"cannot write {path}: {error.strerror or error}") from error


def _save_attention_picture(path: Path, attention: Attention, title: str, *, heads: bool) -> None:
    from heed.views.picture import draw_attention, draw_heads

    save_with_note((draw_heads if heads else draw_attention)(attention, title=title), path)


def save_with_note(picture: Picture, path: Path) -> None:
    """Writes a picture, and notes which characters no font has.

    Raises:
        PlotError: The file cannot be written.
    """
    from heed.views.picture import save_picture

    save_picture(picture, path)
    if picture.missing:
        characters = " ".join(sorted(picture.missing)[:10])
        print(
            f"heed: note: no installed font has {characters}; {path.name} shows code points "
            f"instead (Noto Sans has fonts for nearly every script)",
            file=sys.stderr,
        )


def can_encode(encoding: str, text: str) -> bool:
    """Whether every character of a text can be written in an encoding."""
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
