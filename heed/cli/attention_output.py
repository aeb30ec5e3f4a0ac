"""Shows the attention of answers in the terminal or writes it to files."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from rich.console import Console

from heed.cli.arguments import JSON_ONLY, NO_ATTENTION, TERMINAL
from heed.cli.documents import attention_document
from heed.client import Attention
from heed.views.errors import PlotError
from heed.views.heat_map import heat_map
from heed.views.labels import one_line


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
        self._ascii_only = not _can_encode(sys.stdout.encoding or "ascii", "·░▒▓█≥")

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
        self._path = path
        self._heads = heads
        self._held: tuple[int, Attention, str] | None = None
        self._is_numbered = False
        if path.suffix.lower() != ".json":
            import heed.views.picture  # noqa: F401  # says at once if matplotlib is missing

    def write(self, number: int, attention: Attention, title: str) -> None:
        """Writes the answer's file; the first waits to see whether it is the only one."""
        if self._held is None and not self._is_numbered:
            self._held = (number, attention, title)
            return
        self._is_numbered = True
        if self._held is not None:
            held_number, held_attention, held_title = self._held
            self._held = None
            self._save(self._numbered(held_number), held_attention, held_title)
        self._save(self._numbered(number), attention, title)

    def close(self) -> None:
        """Writes the only answer, if there was just one."""
        if self._held is not None:
            _, attention, title = self._held
            self._held = None
            self._save(self._path, attention, title)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.stem}-{number}{self._path.suffix}")

    def _save(self, path: Path, attention: Attention, title: str) -> None:
        if path.suffix.lower() == ".json":
            _save_document(path, attention)
        else:
            _save_picture(path, attention, title, heads=self._heads)
        print(f"heed: wrote {path}", file=sys.stderr)


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


def _save_document(path: Path, attention: Attention) -> None:
    text = json.dumps(attention_document(attention), ensure_ascii=False, allow_nan=False)
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise PlotError(f"cannot write {path}: {error.strerror or error}") from error


def _save_picture(path: Path, attention: Attention, title: str, *, heads: bool) -> None:
    from heed.views.picture import draw_attention, draw_heads, save_picture

    picture = (draw_heads if heads else draw_attention)(attention, title=title)
    save_picture(picture, path)
    if picture.missing:
        characters = " ".join(sorted(picture.missing)[:10])
        print(
            f"heed: note: no installed font has {characters}; {path.name} shows code points "
            f"instead (Noto Sans has fonts for nearly every script)",
            file=sys.stderr,
        )


def _can_encode(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
