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
from heed.cli.picture_arguments import PictureLook, is_picture
from heed.client import Attention, GenerateResult, ScoreResult
from heed.figures.visible import one_line
from heed.views.errors import PlotError
from heed.views.heat_map import heat_map

if TYPE_CHECKING:
    from heed.views.picture import Picture


Answer = GenerateResult | ScoreResult


class AttentionOutput(Protocol):
    """Takes the attention of one answer after another."""

    def write(self, number: int, answer: Answer) -> None:
        """Shows one answer's attention; `number` is its place among the texts, from 1."""

    def close(self) -> None:
        """Finishes what is left to write."""


class Nowhere:
    """Shows nothing."""

    def write(self, number: int, answer: Answer) -> None:
        """Shows nothing."""

    def close(self) -> None:
        """Has nothing to finish."""


class TerminalMaps:
    """Draws heat maps on standard output."""

    def __init__(self, *, heads: bool) -> None:
        self._heads = heads
        self._console = Console(file=sys.stdout, highlight=False)
        self._ascii_only = not can_encode(sys.stdout.encoding or "ascii", "·░▒▓█≥")

    def write(self, number: int, answer: Answer) -> None:
        """Draws one map, or one for every head."""
        if answer.attention is None:
            return
        for name, one in _maps(answer.attention, heads=self._heads):
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
        look: How pictures look.
    """

    def __init__(self, path: Path, *, heads: bool, look: PictureLook) -> None:
        self._heads = heads
        self._look = look
        self._files = NumberedFiles(path, self._save)
        if is_picture(path):
            from heed.views.picture import check_width_mm  # says at once if matplotlib is missing

            check_width_mm(look.width_mm)

    def write(self, number: int, answer: Answer) -> None:
        """Writes the answer's file; the first waits to see whether it is the only one."""
        if answer.attention is not None:
            self._files.write(number, answer)

    def close(self) -> None:
        """Writes the only answer, if there was just one."""
        self._files.close()

    def _save(self, path: Path, answer: Answer) -> None:
        if answer.attention is None:
            return
        if path.suffix.lower() == ".json":
            save_document(path, attention_document(answer.attention))
        elif is_picture(path):
            self._save_picture(path, answer, answer.attention)
        else:
            from heed.views.standalone import save_page

            save_page(path, answer)

    def _save_picture(self, path: Path, answer: Answer, attention: Attention) -> None:
        from heed.views.picture import draw_attention, draw_heads

        target = answer.text if isinstance(answer, GenerateResult) else answer.target.text
        title = self._look.title
        if title is None:
            title = answer_title(answer.source_text, target, answer.score)
        draw = draw_heads if self._heads else draw_attention
        save_with_note(draw(attention, title=title, width_mm=self._look.width_mm), path)


def attention_output(view: str, *, heads: bool, look: PictureLook | None = None) -> AttentionOutput:
    """The output for `--attention VIEW`.

    Args:
        view: Where to show it.
        heads: Whether to show every layer and head.
        look: How pictures look; None = as wide as they need to be, with the answer above them.

    Raises:
        PlotError: A picture is wanted and matplotlib is not installed, or its width is none.
    """
    if view in (NO_ATTENTION, JSON_ONLY):
        return Nowhere()
    if view == TERMINAL:
        return TerminalMaps(heads=heads)
    return AttentionFiles(Path(view), heads=heads, look=look or PictureLook())


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
