"""Multi30k: captions of photographs in English, German and French."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Final

from model_export.data.examples import Example, ExampleSet
from model_export.errors import DataError

SOURCE_LANGUAGE: Final = "en"
_TRAIN, _DEV, _TEST = "train", "val", "test_2016_flickr"
_SUFFIX: Final = "lc.norm.tok"
"""Lowercased, punctuation normalised, tokenised: what published figures are measured on."""


def load_multi30k(data_dir: Path | None, *, target_language: str) -> ExampleSet:
    """Reads the first task of Multi30k (Elliott et al. 2016, 2017) from English.

    Dev is the official validation set; test is `test_2016_flickr`.

    Args:
        data_dir: A folder with files such as `tok/train.lc.norm.tok.en`, gzipped (`.gz`) or not;
            the part `tok/` may be left out.
        target_language: "de" or "fr".

    Raises:
        DataError: No folder is given, or a file is missing, unreadable, or not as long as its
            other half.
    """
    if data_dir is None:
        raise DataError(
            "Multi30k does not come with Heed: get its repository multi30k/dataset, and give "
            "--data-dir, the folder that holds tok/"
        )
    return ExampleSet(
        train=_read_examples(data_dir, _TRAIN, target_language),
        dev=_read_examples(data_dir, _DEV, target_language),
        test=_read_examples(data_dir, _TEST, target_language),
    )


def _read_examples(data_dir: Path, part: str, target_language: str) -> tuple[Example, ...]:
    sources = _read_lines(data_dir, f"{part}.{_SUFFIX}.{SOURCE_LANGUAGE}")
    targets = _read_lines(data_dir, f"{part}.{_SUFFIX}.{target_language}")
    if len(sources) != len(targets):
        raise DataError(
            f"{data_dir}: {part} has {len(sources)} lines of {SOURCE_LANGUAGE} and "
            f"{len(targets)} of {target_language}; they must be each other's translations"
        )
    return tuple(
        Example(source, (target,))
        for source, target in zip(sources, targets, strict=True)
        if source and target
    )


def _read_lines(data_dir: Path, name: str) -> list[str]:
    """The lines of a file, without white space around them.

    Split at line feeds alone: some of the captions hold other characters that end lines.
    """
    path = _find(data_dir, name)
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    return [line.strip() for line in text.removesuffix("\n").split("\n")]


def _find(data_dir: Path, name: str) -> Path:
    for folder in (data_dir / "tok", data_dir):
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                return path
    raise DataError(f"there is no tok/{name} or tok/{name}.gz in the data folder {data_dir}")
