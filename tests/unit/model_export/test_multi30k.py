"""Reading Multi30k."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from model_export.config import DataKind, DataSettings
from model_export.data.load import load_examples
from model_export.data.multi30k import load_multi30k
from model_export.errors import DataError

TEXTS = {
    "train": {"en": "a dog\u2028runs .\ntwo men .\n\n", "de": "ein hund .\nzwei männer .\n\n"},
    "val": {"en": "a cat .\n", "de": "eine katze .\n"},
    "test_2016_flickr": {"en": "a bird .", "de": "ein vogel ."},
}


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Train gzipped, the rest not."""
    (tmp_path / "tok").mkdir()
    for part, languages in TEXTS.items():
        for language, text in languages.items():
            path = tmp_path / "tok" / f"{part}.lc.norm.tok.{language}"
            if part == "train":
                path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(text.encode()))
            else:
                path.write_bytes(text.encode())
    return tmp_path


def test_lines_of_both_languages_are_pairs(data_dir: Path) -> None:
    examples = load_multi30k(data_dir, target_language="de")
    assert [(e.source, e.references) for e in examples.train] == [
        ("a dog\u2028runs .", ("ein hund .",)),
        ("two men .", ("zwei männer .",)),
    ]
    assert [e.source for e in examples.dev] == ["a cat ."]
    assert [e.references for e in examples.test] == [("ein vogel .",)]


def test_the_folder_itself_may_hold_the_files(data_dir: Path) -> None:
    assert load_multi30k(data_dir / "tok", target_language="de") == load_multi30k(
        data_dir, target_language="de"
    )


def test_the_recipe_names_the_target_language(data_dir: Path) -> None:
    settings = DataSettings(kind=DataKind.MULTI30K_EN_DE, max_train_pairs=1)
    assert len(load_examples(settings, data_dir).train) == 1
    with pytest.raises(DataError, match=r"there is no tok/train\.lc\.norm\.tok\.fr"):
        load_examples(DataSettings(kind=DataKind.MULTI30K_EN_FR), data_dir)


def test_without_a_folder_it_says_where_the_data_is() -> None:
    with pytest.raises(DataError, match="give --data-dir, the folder that holds tok/"):
        load_multi30k(None, target_language="de")


def test_halves_of_different_length_are_refused(data_dir: Path) -> None:
    (data_dir / "tok" / "val.lc.norm.tok.de").write_text("eine katze .\nzwei .\n")
    with pytest.raises(DataError, match="val has 1 lines of en and 2 of de"):
        load_multi30k(data_dir, target_language="de")


def test_a_damaged_file_is_named(data_dir: Path) -> None:
    (data_dir / "tok" / "train.lc.norm.tok.de.gz").write_bytes(b"not gzip")
    with pytest.raises(DataError, match=r"cannot read .*train\.lc\.norm\.tok\.de\.gz"):
        load_multi30k(data_dir, target_language="de")
