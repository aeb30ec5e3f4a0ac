"""Texts, each with a label."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from model_export.data.examples import Example, ExampleSet, Split
from model_export.errors import DataError

_SPLITS: Final = {split: f"{split}.tsv" for split in Split}
_HTML_BREAK: Final = re.compile(r"<br\s*/?>")
_OUTSIDE: Final = "O"


def load_labelled_text(data_dir: Path | None) -> ExampleSet:
    """Reads `train.tsv`, `dev.tsv` and `test.tsv`, each gzipped (`.gz`) or not.

    A line is a label, a tab and a text. Without a `dev.tsv` a twentieth of `train.tsv` takes its
    place; a data set may have no `test.tsv`.

    Args:
        data_dir: The folder of the files.

    Raises:
        DataError: No folder is given, there is no `train.tsv`, or a file is not in this format.
    """
    folder = _given(data_dir, "this recipe's data", "a folder of your own")
    train = _read_lines(_found(folder, _SPLITS[Split.TRAIN]))
    dev, test = (_find(folder, _SPLITS[split]) for split in (Split.DEV, Split.TEST))
    examples = {Split.TRAIN: list(train), Split.DEV: list[Example]()}
    if dev is None:
        examples = _by_hash(examples[Split.TRAIN], shares={Split.DEV: 5})
    else:
        examples[Split.DEV] = list(_read_lines(dev))
    return ExampleSet(
        train=tuple(examples[Split.TRAIN]),
        dev=tuple(examples[Split.DEV]),
        test=tuple(_read_lines(test)) if test is not None else (),
    )


def load_snips(data_dir: Path | None) -> ExampleSet:
    """Reads the intents of Snips: what a voice assistant is asked to do (Coucke et al. 2018).

    A line is an intent, a text and a tag for each of its words ("O" = none); what is tagged is
    marked. A hash of each text in small letters splits the file: a tenth test, a twentieth dev.

    Args:
        data_dir: The folder of `train.tsv`, gzipped (`.gz`) or not.

    Raises:
        DataError: No folder is given, or the file is missing or not in this format.
    """
    folder = _given(data_dir, "Snips", "github.com/sonos/nlu-benchmark")
    path = _found(folder, "train.tsv")
    examples = []
    for number, line in _numbered_lines(path):
        columns = line.split("\t")
        if len(columns) != 3 or len(columns[1].split()) != len(columns[2].split()):
            raise _line_error(path, number, "an intent, a text and a tag for each word", line)
        intent, text, tags = columns
        examples.append(Example(text, (intent,), marks=tuple(_tagged(text, tags.split()))))
    return _as_set(_by_hash(examples, shares={Split.TEST: 10, Split.DEV: 5}))


def load_trec(data_dir: Path | None) -> ExampleSet:
    """Reads the six coarse types of questions of TREC (Li and Roth 2002).

    Args:
        data_dir: The folder of `train.label` and `test.label`, gzipped (`.gz`) or not, with lines
            such as "DESC:manner How did ...". A hash of each text takes a tenth of train as dev.

    Raises:
        DataError: No folder is given, or a file is missing or not in this format.
    """
    folder = _given(data_dir, "TREC", "cogcomp.seas.upenn.edu/Data/QA/QC")
    train = list(_read_questions(_found(folder, "train.label")))
    test = tuple(_read_questions(_found(folder, "test.label")))
    split = _by_hash(train, shares={Split.DEV: 10})
    return ExampleSet(train=tuple(split[Split.TRAIN]), dev=tuple(split[Split.DEV]), test=test)


def load_imdb_sample(data_dir: Path | None) -> ExampleSet:
    """Reads reviews of films, "positive" or "negative": a sample of IMDB (Maas et al. 2011).

    Args:
        data_dir: The folder of `texts.csv`, gzipped (`.gz`) or not, with the columns `label`,
            `text` and `is_valid`; what is valid is test, and a hash of each other text takes a
            tenth as dev.

    Raises:
        DataError: No folder is given, or the file is missing or not in this format.
    """
    folder = _given(data_dir, "the IMDB sample", "s3.amazonaws.com/fast-ai-sample")
    path = _found(folder, "texts.csv")
    rows = csv.DictReader(io.StringIO(_text_of(path)))
    if not {"label", "text", "is_valid"} <= set(rows.fieldnames or ()):
        raise DataError(f"{path}: expected the columns label, text and is_valid")
    rest: list[Example] = []
    test: list[Example] = []
    for row in rows:
        if not row["label"] or not row["text"]:
            raise DataError(f"{path}, line {rows.line_num}: expected a label and a text")
        example = Example(_HTML_BREAK.sub("\n", row["text"]), (row["label"],))
        (test if row["is_valid"] == "True" else rest).append(example)
    split = _by_hash(rest, shares={Split.DEV: 10})
    return ExampleSet(
        train=tuple(split[Split.TRAIN]), dev=tuple(split[Split.DEV]), test=tuple(test)
    )


def _given(data_dir: Path | None, what: str, where: str) -> Path:
    if data_dir is None:
        raise DataError(
            f"{what} does not come with Heed: get it from {where}, and name its folder with "
            "--data-dir"
        )
    return data_dir


def _find(folder: Path, name: str) -> Path | None:
    candidates = (folder / f"{name}{suffix}" for suffix in ("", ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def _found(folder: Path, name: str) -> Path:
    path = _find(folder, name)
    if path is None:
        raise DataError(f"there is no {name} or {name}.gz in the data folder {folder}")
    return path


def _text_of(path: Path) -> str:
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}") from error


def _numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that hold anything, counted from 1."""
    lines = _text_of(path).split("\n")
    found = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise DataError(f"{path} is empty")
    yield from found


def _read_lines(path: Path) -> Iterator[Example]:
    for number, line in _numbered_lines(path):
        label, _, text = (part.strip() for part in line.partition("\t"))
        if not label or not text:
            raise _line_error(path, number, "a label, a tab and a text", line)
        yield Example(text, (label,))


def _read_questions(path: Path) -> Iterator[Example]:
    for number, line in _numbered_lines(path):
        label, _, text = line.partition(" ")
        kind, colon, _ = label.partition(":")
        if not kind or not colon or not text.strip():
            raise _line_error(path, number, "a type such as DESC:manner and a question", line)
        yield Example(text.strip(), (kind,))


def _line_error(path: Path, number: int, expected: str, line: str) -> DataError:
    return DataError(f"{path}, line {number}: expected {expected}: {line[:80]!r}")


def _tagged(text: str, tags: Iterable[str]) -> Iterator[tuple[int, int]]:
    """Where the words stand that have a tag."""
    for word, tag in zip(re.finditer(r"\S+", text), tags, strict=True):
        if tag != _OUTSIDE:
            yield word.span()


def _by_hash(
    examples: Iterable[Example], *, shares: dict[Split, int]
) -> dict[Split, list[Example]]:
    """Splits examples by a hash of their text, so that no text is in two splits.

    Args:
        examples: What to split.
        shares: Percent of the texts for each split; what is left is train.
    """
    parts: dict[Split, list[Example]] = {Split.TRAIN: [], **{split: [] for split in shares}}
    for example in examples:
        digest = hashlib.sha256(example.source.lower().encode()).hexdigest()
        percent = int(digest[:12], 16) % 100
        place = Split.TRAIN
        for split, share in shares.items():
            if percent < share:
                place = split
                break
            percent -= share
        parts[place].append(example)
    return parts


def _as_set(parts: dict[Split, list[Example]]) -> ExampleSet:
    return ExampleSet(*(tuple(parts[split]) for split in (Split.TRAIN, Split.DEV, Split.TEST)))
