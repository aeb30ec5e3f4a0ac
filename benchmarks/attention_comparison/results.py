"""What was measured, as values that a file keeps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from model_export.errors import RunError
from model_export.runs.training_run import write_atomically

Kind = TypeVar("Kind", bound=BaseModel)


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Reading(_Value):
    """What a model looked at in one text.

    Attributes:
        rows: What each row of weights belongs to: tokens of the right output and the end, or
            hops; of a classifier without hops one row without a name.
        columns: The source's tokens.
        weights: A list for each row, 0 to 1, rounded to three digits.
        links: Column and row of what is known to belong together.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    links: tuple[tuple[int, int], ...] = ()


class RunFacts(_Value):
    """What one training came to.

    Attributes:
        seed: What it began with.
        parameters: Numbers that were learnt.
        figures: Measures by name, as in `metrics.json`.
        reading: What it looks at in the study's text.
    """

    seed: int
    parameters: int
    figures: dict[str, float]
    reading: Reading


class Times(_Value):
    """Processor time, in seconds.

    Attributes:
        update_s: Of an update of the weights, by one batch of the most frequent shape.
        answer_s: Of a batch of 32, by the exported graph.
    """

    update_s: float
    answer_s: float


class Row(_Value):
    """A mechanism.

    Attributes:
        key: Its name.
        title: What it is called.
        changes: What it changed of the recipe.
        runs: What each seed came to, one or more.
        times: What it costs, of the first seed; None if nobody measured.
    """

    key: str
    title: str
    changes: tuple[str, ...]
    runs: tuple[RunFacts, ...]
    times: Times | None = None

    @property
    def shown(self) -> str:
        """Its title in Markdown."""
        return self.title.replace("*", r"\*")

    def values(self, name: str) -> list[float]:
        """A measure of every seed that has it."""
        return [run.figures[name] for run in self.runs if name in run.figures]

    def mean(self, name: str) -> float | None:
        """The mean of a measure over the seeds; None if no seed has it."""
        values = self.values(name)
        return fmean(values) if values else None


class Conditions(_Value):
    """Under what a study was made.

    Attributes:
        date: The day, as in 2026-01-31.
        command: What repeats it.
        machine: What it ran on.
        updates: Changes of the weights in each training.
        batch: Examples in a batch.
        train_count: Training examples.
        dev_count: Examples that judge.
        straight_line_error: The alignment error of a straight line from the first to the last
            token; None where no truth is known.
    """

    date: str
    command: str
    machine: str
    updates: int
    batch: int
    train_count: int
    dev_count: int
    straight_line_error: float | None = None


class StudyResults(_Value):
    """A whole table.

    Attributes:
        conditions: Under what it was made.
        rows: A row for each mechanism.
    """

    conditions: Conditions
    rows: tuple[Row, ...]


class Comparison(_Value):
    """Everything on the page.

    Attributes:
        studies: Tables by the names of their studies.
    """

    studies: dict[str, StudyResults] = {}


def read_value(path: Path, kind: type[Kind]) -> Kind | None:
    """A value from a file; None if there is no such file.

    Raises:
        RunError: The file cannot be read, or holds something else.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise RunError(f"{path} cannot be read; move it away to measure again: {error}") from error


def write_value(path: Path, value: BaseModel) -> None:
    """Writes a value to a file, whose folder is made if it is not there.

    Raises:
        RunError: It cannot be written.
    """
    make_folder(path.parent)
    write_atomically(path, (value.model_dump_json(indent=1) + "\n").encode())


def make_folder(folder: Path) -> None:
    """Makes a folder, and those above it, if they are not there.

    Raises:
        RunError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot make the folder {folder}: {error.strerror}") from error


def rounded(weights: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    """Weights with three digits behind the point."""
    return tuple(tuple(round(float(weight), 3) for weight in row) for row in weights)
