"""CMUdict: how English words are spelt and pronounced."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterable
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from model_export.data.examples import Example, ExampleSet, Split
from model_export.errors import DataError

FILE_NAME: Final = "cmudict.dict"
_WORD = re.compile(r"[a-z']+")
_VARIANT_MARKER = re.compile(r"\(\d+\)$")
_STRESS = re.compile(r"\d")


def load_cmudict(data_dir: Path | None = None) -> ExampleSet:
    """Reads CMUdict: words as sources, phonemes without stress, joined by spaces, as targets.

    Args:
        data_dir: A folder with `cmudict.dict` or `cmudict.dict.gz`; none = the copy in Heed.

    Raises:
        DataError: The file is missing or is not in CMUdict's format.
    """
    path = _find(data_dir)
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.name.endswith(".gz") else content).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    examples = {split: list[Example]() for split in Split}
    for word, pronunciations in _parse(text.splitlines(), where=str(path)).items():
        examples[split_of(word)].append(Example(word, tuple(pronunciations)))
    return ExampleSet(
        train=tuple(examples[Split.TRAIN]),
        dev=tuple(examples[Split.DEV]),
        test=tuple(examples[Split.TEST]),
    )


def split_of(word: str) -> Split:
    """The split of a word: a hash decides, so that words keep theirs when the data grows.

    The first 12 hexadecimal digits of SHA-256("cmu" + word) modulo 100: 0 to 9 test, 10 and 11
    dev, the rest train.
    """
    remainder = int(hashlib.sha256(f"cmu{word}".encode()).hexdigest()[:12], 16) % 100
    if remainder < 10:
        return Split.TEST
    return Split.DEV if remainder < 12 else Split.TRAIN


def _find(data_dir: Path | None) -> Path | Traversable:
    if data_dir is None:
        return resources.files("model_export") / "data" / "cmudict" / f"{FILE_NAME}.gz"
    for name in (FILE_NAME, f"{FILE_NAME}.gz"):
        if (data_dir / name).is_file():
            return data_dir / name
    raise DataError(f"there is no {FILE_NAME} or {FILE_NAME}.gz in the data folder {data_dir}")


def _parse(lines: Iterable[str], *, where: str) -> dict[str, list[str]]:
    """Pronunciations by word, in the file's order, each once.

    Words with other characters than a-z and ' are left out; so are comments and the markers of
    variants, as in "dail(2)".
    """
    pronunciations: dict[str, list[str]] = {}
    for number, line in enumerate(lines, start=1):
        entry, *phonemes = line.partition("#")[0].split() or [""]
        word = _VARIANT_MARKER.sub("", entry)
        if not _WORD.fullmatch(word):
            continue
        if not phonemes:
            raise DataError(f"{where}, line {number}: expected a word and its phonemes: {line!r}")
        pronunciation = _STRESS.sub("", " ".join(phonemes))
        known = pronunciations.setdefault(word, [])
        if pronunciation not in known:
            known.append(pronunciation)
    if not pronunciations:
        raise DataError(f"{where} has no entry such as: cat K AE1 T")
    return pronunciations
