"""Translations in tab-separated files."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

from model_export.data.examples import Example, ExampleSet
from model_export.errors import DataError


@dataclass(frozen=True, slots=True)
class ParallelFiles:
    """The files of a data set, each plain or with ".gz" at the end.

    Attributes:
        train: Names that the training pairs may have; the first that is there is read.
        dev: The same, for what is looked at during training.
        test: The same, for the final figure; a data set may have none.
        source_url: Where to get the data, for messages; "" if it is the user's own.
    """

    train: tuple[str, ...]
    dev: tuple[str, ...]
    test: tuple[str, ...]
    source_url: str = ""


def load_parallel_text(data_dir: Path | None, files: ParallelFiles) -> ExampleSet:
    """Reads pairs of sentences.

    A line is a source, a tab and a target. In dev and test more targets may follow, each behind
    a tab; all of them are right.

    Args:
        data_dir: The folder of the files.
        files: What they are called.

    Raises:
        DataError: No folder is given, a file is missing, or is not in this format.
    """
    if data_dir is None:
        origin = f"get it from {files.source_url}, and name its" if files.source_url else "name its"
        raise DataError(f"this data does not come with Heed: {origin} folder with --data-dir")
    test = _find(data_dir, files.test)
    return ExampleSet(
        train=_read(_found(data_dir, files.train), most_references=1),
        dev=_read(_found(data_dir, files.dev)),
        test=_read(test) if test is not None else (),
    )


def _find(folder: Path, names: tuple[str, ...]) -> Path | None:
    candidates = (folder / f"{name}{suffix}" for name in names for suffix in ("", ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def _found(folder: Path, names: tuple[str, ...]) -> Path:
    path = _find(folder, names)
    if path is None:
        raise DataError(f"there is no {' or '.join(names)} (or .gz) in the data folder {folder}")
    return path


def _read(path: Path, *, most_references: int | None = None) -> tuple[Example, ...]:
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    examples = []
    for number, line in enumerate(text.splitlines(), start=1):
        source, *targets = (column.strip() for column in line.split("\t"))
        if not source or not targets or not all(targets):
            raise DataError(
                f"{path}, line {number}: expected a source, a tab and a target: {line!r}"
            )
        examples.append(Example(source, tuple(dict.fromkeys(targets[:most_references]))))
    if not examples:
        raise DataError(f"{path} is empty")
    return tuple(examples)
