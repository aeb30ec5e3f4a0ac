from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from model_export.config import DataKind, DataSettings
from model_export.data.examples import Example
from model_export.data.load import load_examples
from model_export.errors import DataError

KINDS = [DataKind.PARALLEL_TEXT, DataKind.SMALL_VOCAB_EN_FR, DataKind.TATOEBA_EN_FR]


@pytest.mark.parametrize("kind", KINDS)
def test_pairs_are_read_with_every_reference_of_dev(kind: DataKind, tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text("go .\tva .\tallez .\nstop !\tarrête !\n")
    (tmp_path / "dev.tsv.gz").write_bytes(gzip.compress(b"hi\tsalut\tbonjour\tsalut\n"))
    examples = load_examples(DataSettings(kind=kind), tmp_path)
    assert examples.train == (Example("go .", ("va .",)), Example("stop !", ("arrête !",)))
    assert examples.dev == (Example("hi", ("salut", "bonjour")),)
    assert examples.test == ()


def test_the_names_under_which_the_sets_are_handed_around_are_known(tmp_path: Path) -> None:
    for name in ("train.full.tsv", "dev.multiref.tsv", "test.tsv"):
        (tmp_path / name).write_text(f"{name}\tx\n")
    examples = load_examples(DataSettings(kind=DataKind.TATOEBA_EN_FR), tmp_path)
    assert [part[0].source for part in (examples.train, examples.dev, examples.test)] == [
        "train.full.tsv",
        "dev.multiref.tsv",
        "test.tsv",
    ]


def test_without_a_folder_the_source_is_named() -> None:
    with pytest.raises(DataError, match=r"get it from www\.manythings\.org/anki, and name its"):
        load_examples(DataSettings(kind=DataKind.TATOEBA_EN_FR))


def test_pairs_of_ones_own_are_where_the_user_says() -> None:
    with pytest.raises(DataError, match=r"does not come with Heed: name its folder with --data-"):
        load_examples(DataSettings(kind=DataKind.PARALLEL_TEXT))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, r"there is no train\.tsv or dedup\.train\.tsv \(or \.gz\) in the data folder"),
        ({"train.tsv": b"a\tb\n"}, r"there is no dev\.tsv or"),
        ({"train.tsv": b"a b\n"}, r"line 1: expected a source, a tab and a target: 'a b'"),
        ({"train.tsv": b"a\tb\n\tb\n"}, r"line 2: expected a source"),
        ({"train.tsv": b""}, r"train\.tsv is empty"),
        ({"train.tsv": b"\xff\xff"}, r"cannot read .*train\.tsv"),
        ({"train.tsv.gz": b"no gzip"}, r"cannot read .*train\.tsv\.gz"),
    ],
)
def test_unusable_data_is_explained(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_examples(DataSettings(kind=DataKind.SMALL_VOCAB_EN_FR), tmp_path)
