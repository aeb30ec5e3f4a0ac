"""Labelled texts as they come in files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from model_export.config import DataKind, DataSettings
from model_export.data.examples import Example
from model_export.data.labelled_text import (
    load_imdb_sample,
    load_labelled_text,
    load_snips,
    load_trec,
)
from model_export.data.load import load_examples
from model_export.errors import DataError
from tests.support.pages import block_with


def write(folder: Path, name: str, text: str) -> None:
    if name.endswith(".gz"):
        (folder / name).write_bytes(gzip.compress(text.encode()))
    else:
        (folder / name).write_text(text, encoding="utf-8")


def test_a_folder_of_ones_own_is_read_split_by_split(tmp_path: Path) -> None:
    write(tmp_path, "train.tsv", "yes\tsure, why not\n\nno\tnever\n")
    write(tmp_path, "dev.tsv.gz", "no\tno way\n")
    data = load_labelled_text(tmp_path)
    assert data.train == (Example("sure, why not", ("yes",)), Example("never", ("no",)))
    assert data.dev == (Example("no way", ("no",)),)
    assert data.test == ()


def test_without_dev_a_twentieth_of_train_takes_its_place(tmp_path: Path) -> None:
    lines = [f"{'even' if i % 2 == 0 else 'odd'}\tnumber {i}\n" for i in range(1000)]
    write(tmp_path, "train.tsv", "".join(lines))
    data = load_labelled_text(tmp_path)
    assert len(data.train) + len(data.dev) == 1000
    assert 30 <= len(data.dev) <= 75
    assert {example.source for example in data.train}.isdisjoint(e.source for e in data.dev)


def test_snips_marks_what_is_tagged_and_splits_by_the_text_alone(tmp_path: Path) -> None:
    lines = [f"PlayMusic\tplay song {i}  now\tO B-what I-what O\n" for i in range(400)]
    write(tmp_path, "train.tsv.gz", "".join([*lines, *lines[:50], lines[0].upper()]))
    data = load_snips(tmp_path)
    first = data.train[0]
    number = first.source.split()[2]
    assert [first.source[begin:end] for begin, end in first.marks] == ["song", number]
    texts = [{example.source.lower() for example in part} for part in (data.train, data.dev)]
    assert texts[0].isdisjoint(texts[1])
    assert len(data.test) > len(data.dev) > 0
    limited = load_examples(DataSettings(kind=DataKind.SNIPS, max_train_pairs=7), tmp_path)
    assert len(limited.train) == 7
    assert limited.train[0].marks


def test_the_page_says_how_the_files_of_snips_become_its_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Path(__file__).parents[3] / "docs" / "classification.md"
    code = block_with(page, "_full.json", "python")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "nlu-benchmark" / "2017-06-custom-intent-engines" / "PlayMusic"
    folder.mkdir(parents=True)
    data = [{"text": "Play "}, {"text": "the last", "entity": "sort"}, {"text": " track\n"}]
    (folder / "train_PlayMusic_full.json").write_text(json.dumps({"PlayMusic": [{"data": data}]}))
    exec(compile(code, "example", "exec"), {})
    text = (tmp_path / "train.tsv").read_text()
    assert text == "PlayMusic\tPlay the last track\tO B-sort I-sort O"
    examples = load_snips(tmp_path)
    (example,) = [*examples.train, *examples.dev, *examples.test]
    assert [example.source[begin:end] for begin, end in example.marks] == ["the", "last"]


def test_trec_reads_the_coarse_types(tmp_path: Path) -> None:
    write(tmp_path, "train.label", "".join(f"DESC:manner How is {i} ?\n" for i in range(99)))
    write(tmp_path, "test.label.gz", "NUM:date When was it ?\n")
    data = load_trec(tmp_path)
    assert data.test == (Example("When was it ?", ("NUM",)),)
    assert len(data.train) + len(data.dev) == 99
    assert data.dev


def test_imdb_turns_breaks_into_line_ends(tmp_path: Path) -> None:
    rows = "".join(f'positive,"Good, {i}.<br /><br />Yes.",False\n' for i in range(99))
    write(tmp_path, "texts.csv", f"label,text,is_valid\n{rows}negative,Bad.,True\n")
    data = load_imdb_sample(tmp_path)
    assert data.test == (Example("Bad.", ("negative",)),)
    assert data.train[0].source.endswith(".\n\nYes.")
    assert len(data.train) + len(data.dev) == 99


@pytest.mark.parametrize(
    ("load", "name", "text", "message"),
    [
        (load_labelled_text, "train.tsv", "no tab here", r"line 1: expected a label, a tab and"),
        (load_labelled_text, "train.tsv", "\n\n", "is empty"),
        (load_labelled_text, "other.tsv", "a\tb", r"there is no train\.tsv or train\.tsv\.gz"),
        (load_snips, "train.tsv", "A\ttwo words\tO", "a tag for each word"),
        (load_trec, "train.label", "DESC How", r"line 1: expected a type such as DESC:manner"),
        (load_imdb_sample, "texts.csv", "a,b\n1,2\n", "expected the columns label, text and is_v"),
        (load_imdb_sample, "texts.csv", "label,text,is_valid\n,x,True\n", "expected a label and"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(
    tmp_path: Path, load: Callable[[Path], object], name: str, text: str, message: str
) -> None:
    write(tmp_path, name, text)
    with pytest.raises(DataError, match=message):
        load(tmp_path)


@pytest.mark.parametrize("load", [load_labelled_text, load_snips, load_trec, load_imdb_sample])
def test_data_that_is_not_part_of_heed_needs_a_folder(load: Callable[[None], object]) -> None:
    with pytest.raises(DataError, match=r"does not come with Heed: get it from .* --data-dir"):
        load(None)
