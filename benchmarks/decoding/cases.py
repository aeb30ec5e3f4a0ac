"""What is measured: engines, number formats, searches, batch sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

BEAM_WIDTH: Final = 4
FLOAT32: Final = "float32"


class EngineName(StrEnum):
    """Who decodes."""

    HEED = "Heed"
    CTRANSLATE2 = "CTranslate2"


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that computes in one number format.

    Attributes:
        name: Who decodes.
        precision: The format, for example "int8".
    """

    name: EngineName
    precision: str

    @property
    def label(self) -> str:
        """For people and as a key, for example "Heed int8"."""
        return f"{self.name} {self.precision}"

    @property
    def is_reference(self) -> bool:
        """Whether its speed decides how much work a measurement is."""
        return self == Engine(EngineName.CTRANSLATE2, FLOAT32)


CTRANSLATE2_PRECISIONS: Final = (FLOAT32, "int8")
HEED_PRECISIONS: Final = (FLOAT32, "bfloat16", "int8")

PAIRS: Final = (
    (Engine(EngineName.HEED, FLOAT32), Engine(EngineName.CTRANSLATE2, FLOAT32)),
    (Engine(EngineName.HEED, "bfloat16"), Engine(EngineName.CTRANSLATE2, FLOAT32)),
    (Engine(EngineName.HEED, "bfloat16"), Engine(EngineName.CTRANSLATE2, "int8")),
    (Engine(EngineName.HEED, "int8"), Engine(EngineName.CTRANSLATE2, "int8")),
)
"""Whose speed is divided by whose."""


class Search(StrEnum):
    """How outputs are searched for."""

    GREEDY = "greedy"
    BEAM = "beam"

    @property
    def label(self) -> str:
        """For people."""
        return f"beam {BEAM_WIDTH}" if self is Search.BEAM else "greedy"


@dataclass(frozen=True, slots=True)
class Case:
    """A search over batches of one size.

    Attributes:
        search: How outputs are searched for.
        rows: Sources of a batch.
    """

    search: Search
    rows: int

    @property
    def key(self) -> str:
        """Its name in files, for example "greedy b8"."""
        return f"{self.search} b{self.rows}"


def cases_of(searches: Sequence[Search], batch_sizes: Sequence[int]) -> list[Case]:
    """Every search over every size."""
    return [Case(search, rows) for search in searches for rows in batch_sizes]
