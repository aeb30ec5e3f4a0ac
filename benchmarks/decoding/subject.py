"""A model that is measured: its exports for both engines, and what it is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from benchmarks.decoding.cases import Engine

SUBJECT_FILE: Final = "subject.json"


class BenchmarkError(Exception):
    """The benchmark cannot go on; the message is for whoever started it."""


class Subject(BaseModel):
    """A model, ready to be measured.

    Attributes:
        name: Its name in tables.
        description: What it is, in words.
        sources: Token ids of each source, in the order they are asked.
        references: What is right for each source; empty where nobody knows.
        max_length: The most tokens of an output.
        is_forced: Whether every output has `max_length` tokens: random weights never end one.
        bleu_tokenizer: How BLEU splits references and outputs.
        lowercase: Whether BLEU ignores case.
        tokenizer: The file of the tokenizer that names the tokens of outputs.
        folders: Where each engine's export lies, by the engine's label.
        left_out: Why a number format is not measured, by the engine's label.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str
    sources: tuple[tuple[int, ...], ...]
    references: tuple[tuple[str, ...], ...] = ()
    max_length: int
    is_forced: bool = False
    bleu_tokenizer: str = "13a"
    lowercase: bool = False
    tokenizer: Path
    folders: dict[str, Path]
    left_out: dict[str, str] = {}

    def folder(self, engine: Engine) -> Path:
        """Where an engine's export lies."""
        return self.folders[engine.label]

    def has(self, engine: Engine) -> bool:
        """Whether there is an export for it."""
        return engine.label in self.folders

    def batch(self, index: int, rows: int) -> list[tuple[int, ...]]:
        """The sources of a batch; behind the last source the first ones come again."""
        first = index * rows
        return [self.sources[(first + row) % len(self.sources)] for row in range(rows)]

    def save(self, folder: Path) -> Path:
        """Writes it, for the processes that decode."""
        path = folder / SUBJECT_FILE
        path.write_text(self.model_dump_json(), encoding="utf-8")
        return path

    @staticmethod
    def load(path: Path) -> Subject:
        """Reads it."""
        return Subject.model_validate_json(path.read_bytes())


def export_size(folder: Path) -> int:
    """Bytes of an export without what only checks and warms it."""
    return sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and "assets.extra" not in path.relative_to(folder).parts
    )
