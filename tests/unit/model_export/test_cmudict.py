from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from model_export.config import load_recipe
from model_export.data.cmudict import load_cmudict, split_of
from model_export.data.examples import (
    Example,
    ExampleSet,
    Split,
    fingerprint,
    take_evenly,
    training_pairs,
)
from model_export.data.load import load_examples
from model_export.errors import DataError


@pytest.fixture(scope="module")
def cmudict() -> ExampleSet:
    return load_cmudict()


def test_the_splits_have_the_known_sizes(cmudict: ExampleSet) -> None:
    assert len(cmudict.train) == 110_113
    assert len(training_pairs(cmudict.train)) == 117_826
    assert len(cmudict.dev) == 2_529
    assert len(cmudict.test) == 12_284


def test_known_words_have_their_pronunciations_and_splits(cmudict: ExampleSet) -> None:
    by_word = {example.source: example for split in Split for example in cmudict.split(split)}
    assert by_word["attention"] == Example("attention", ("AH T EH N SH AH N",))
    assert by_word["either"].references == ("IY DH ER", "AY DH ER")
    assert cmudict.dev[0] == Example("abandonments", ("AH B AE N D AH N M AH N T S",))
    assert by_word["d'artagnan"].references == ("D AH R T AE NG Y AH N",)
    assert len(by_word) == len(cmudict.train) + len(cmudict.dev) + len(cmudict.test)


def test_the_split_follows_from_the_word_alone(cmudict: ExampleSet) -> None:
    assert split_of("abandonments") is Split.DEV
    for split in Split:
        assert {split_of(example.source) for example in cmudict.split(split)} == {split}


def test_another_copy_is_read_with_comments_variants_and_stress(tmp_path: Path) -> None:
    text = (
        "cat K AE1 T\ncat(2) K AA1 T # rare\ncat(3) K AE2 T\n3d TH R IY1\n\n# a comment\n"
        "aalto AA1 L T OW2 # name, finnish\n"
    )
    for name, content in (
        ("cmudict.dict", text.encode()),
        ("cmudict.dict.gz", gzip.compress(text.encode())),
    ):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_bytes(content)
        examples = load_cmudict(folder)
        found = [example for split in Split for example in examples.split(split)]
        assert sorted(found, key=lambda example: example.source) == [
            Example("aalto", ("AA L T OW",)),
            Example("cat", ("K AE T", "K AA T")),
        ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("other.txt", b"", r"there is no cmudict\.dict or cmudict\.dict\.gz in the data folder"),
        ("cmudict.dict", b"cat\n", r"line 1: expected a word and its phonemes: 'cat'"),
        ("cmudict.dict", b"", r"has no entry such as: cat K AE1 T"),
        ("cmudict.dict", b"\xff\xff", r"cannot read .*cmudict\.dict"),
        ("cmudict.dict.gz", b"no gzip", r"cannot read .*cmudict\.dict\.gz"),
    ],
)
def test_unusable_data_is_explained(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_cmudict(tmp_path)


def test_a_recipe_can_limit_the_data() -> None:
    settings = load_recipe(
        "g2p-quick",
        ["data.max_train_pairs=100", "data.max_dev_examples=7", "data.max_test_examples=5"],
    ).data
    examples = load_examples(settings)
    assert [len(examples.split(split)) for split in Split] == [100, 7, 5]


def test_items_are_taken_evenly() -> None:
    assert take_evenly(range(10), 5) == [0, 2, 4, 6, 8]
    assert take_evenly(range(3), 5) == [0, 1, 2]
    assert take_evenly(range(3), None) == [0, 1, 2]


def test_the_fingerprint_tells_data_apart() -> None:
    assert fingerprint([("a", "b")]) == fingerprint([("a", "b")])
    assert fingerprint([("a", "b"), ("c", "d")]) != fingerprint([("c", "d"), ("a", "b")])
