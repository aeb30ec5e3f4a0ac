"""What was measured, as it is kept in a file."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmarks.decoding.agreement import Agreement
from benchmarks.decoding.cases import PAIRS, Case, Engine, EngineName, Search
from benchmarks.decoding.ratios import Ratio, ratio_of_rounds
from benchmarks.decoding.subject import BenchmarkError

_SOFTWARE: Final = ("ctranslate2", "heed", "numpy", "tensorflow")


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EngineResult(_Value):
    """What was measured of one engine in one number format.

    Attributes:
        name: Which engine.
        precision: The number format.
        threads: Batches it works on at once, and threads of each.
        size_bytes: Its export.
        load_s: To load the model, libraries loaded before, in seconds.
        first_call_s: The first call, one source, greedily, in seconds.
        bare_bytes: What the process held before it loaded the model.
        memory_bytes: What it held after everything was measured.
        tokens_per_s: Of each round, by case.
        bleu: Of the outputs, 0 to 100, by search; empty where nobody knows what is right.
        equal_to_float32: The share of outputs that are those of the same engine in float32, by
            search.
    """

    name: EngineName
    precision: str
    threads: tuple[int, int]
    size_bytes: int
    load_s: float
    first_call_s: float
    bare_bytes: int
    memory_bytes: int
    tokens_per_s: dict[str, tuple[float, ...]]
    bleu: dict[Search, float] = {}
    equal_to_float32: dict[Search, float] = {}

    @property
    def engine(self) -> Engine:
        """Which engine it was."""
        return Engine(self.name, self.precision)


class SubjectResult(_Value):
    """What was measured of one model.

    Attributes:
        name: Its name.
        description: What it is, in words.
        began_at: When, ISO 8601.
        command: What repeats it.
        machine: Where, in words.
        software: Versions, by name.
        streams: Batches in work at once.
        source_count: How many sources it was asked.
        outputs_compared: How many of the outputs were compared.
        others_share: The share of the processors that other programs kept busy, 0 to 1.
        cases: What was measured: search and rows of a batch.
        engines: Each engine in each number format.
        agreement: Heed's outputs beside CTranslate2's, both in float32, by search.
        left_out: Why a number format was not measured, by the engine's label.
    """

    name: str
    description: str
    began_at: str
    command: str
    machine: str
    software: dict[str, str]
    streams: int
    source_count: int
    outputs_compared: int
    others_share: float
    cases: tuple[tuple[Search, int], ...]
    engines: tuple[EngineResult, ...]
    agreement: dict[Search, Agreement] = {}
    left_out: dict[str, str] = {}

    @property
    def searches(self) -> list[Search]:
        """The searches measured."""
        return [search for search in Search if any(each == search for each, _ in self.cases)]

    def batch_sizes(self, search: Search) -> list[int]:
        """The batch sizes that a search was measured with."""
        return [rows for each, rows in self.cases if each == search]

    def result_of(self, engine: Engine) -> EngineResult | None:
        """What was measured of an engine; None = nothing."""
        return next((each for each in self.engines if each.engine == engine), None)

    def ratio(self, own: Engine, other: Engine, case: Case) -> Ratio | None:
        """How many times as fast one is as the other; None = one was not measured."""
        mine, theirs = self.result_of(own), self.result_of(other)
        if mine is None or theirs is None:
            return None
        return ratio_of_rounds(mine.tokens_per_s[case.key], theirs.tokens_per_s[case.key])

    def pairs(self) -> list[tuple[Engine, Engine]]:
        """The pairs of engines of which both were measured."""
        return [pair for pair in PAIRS if all(self.result_of(engine) for engine in pair)]


class Results(_Value):
    """The results of every model, the last measurement of each.

    Attributes:
        subjects: By the model's name.
    """

    subjects: dict[str, SubjectResult] = {}

    def having(self, result: SubjectResult) -> Results:
        """With a new measurement of a model."""
        return Results(subjects={**self.subjects, result.name: result})

    def save(self, path: Path) -> None:
        """Writes them.

        Raises:
            BenchmarkError: They cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise BenchmarkError(f"cannot write {path}: {error.strerror}") from error

    @staticmethod
    def load(path: Path) -> Results:
        """Reads them; there are none where there is no file.

        Raises:
            BenchmarkError: The file holds something else.
        """
        if not path.exists():
            return Results()
        try:
            return Results.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise BenchmarkError(f"{path} holds no results: move it away ({error})") from error


def software_versions() -> dict[str, str]:
    """Versions of what takes part."""
    return {name: metadata.version(name) for name in _SOFTWARE}
