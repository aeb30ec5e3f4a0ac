"""Strips of handwritten digits."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from model_export.config import DataKind, DataSettings
from model_export.data.digit_strips import (
    MAX_DIGITS,
    MAX_STRIP_WIDTH,
    STRIP_COUNTS,
    STRIP_HEIGHT,
    load_digit_strips,
)
from model_export.data.examples import Example, ExampleSet, Split, picture_pairs
from model_export.data.load import load_examples
from model_export.errors import DataError
from tests.support.exported_pictures import SMALL

FEW = dict.fromkeys(Split, 60)


@pytest.fixture(scope="module")
def strips() -> ExampleSet:
    return load_digit_strips(limits=FEW)


def pixels_of(example: Example) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    assert example.picture is not None
    return example.picture.pixels


def test_every_strip_holds_a_few_digits_on_paper(strips: ExampleSet) -> None:
    lengths = set()
    for example in (*strips.train, *strips.dev, *strips.test):
        (text,) = example.references
        assert text.isdigit()
        lengths.add(len(text))
        height, width, channels = pixels_of(example).shape
        assert (height, channels) == (STRIP_HEIGHT, 1)
        assert 12 * len(text) <= width <= min(MAX_STRIP_WIDTH, 6 + 24 * len(text))
        assert np.median(pixels_of(example)) > 120  # mostly paper
    assert lengths == set(range(1, MAX_DIGITS + 1))


def test_the_same_strips_are_drawn_each_time(strips: ExampleSet) -> None:
    again = load_digit_strips(limits=FEW)
    for split in Split:
        for first, second in zip(strips.split(split), again.split(split), strict=True):
            assert first.references == second.references
            assert np.array_equal(pixels_of(first), pixels_of(second))


def test_no_strip_comes_twice(strips: ExampleSet) -> None:
    hashes = {
        hashlib.sha256(pixels_of(example).tobytes()).hexdigest()
        for split in Split
        for example in strips.split(split)
    }
    assert len(hashes) == 3 * 60


def test_a_share_is_taken_evenly_over_the_whole() -> None:
    examples = load_examples(
        DataSettings(kind=DataKind.DIGIT_STRIPS, max_train_pairs=4, max_dev_examples=2)
    )
    step = STRIP_COUNTS[Split.TRAIN] // 4
    assert [each.source for each in examples.train] == [f"train-{i * step}" for i in range(4)]
    assert len(examples.dev) == 2


def test_digits_of_ones_own_are_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no digits\.csv\.gz"):
        load_digit_strips(tmp_path)
    (tmp_path / "digits.csv.gz").write_bytes(b"not gzip")
    with pytest.raises(DataError, match="cannot read"):
        load_digit_strips(tmp_path)


def test_pictures_must_fit_the_model(strips: ExampleSet) -> None:
    from model_export.config import load_recipe

    image = load_recipe("digit-strips", SMALL).picture_model.image
    pictures, texts = picture_pairs(strips.dev, image)
    assert len(pictures) == len(texts) == 60
    other = load_recipe("digit-strips", [*SMALL, "model.height=28"]).picture_model.image
    with pytest.raises(DataError, match=r"dev-0: expected a picture .* \(28, 1\)"):
        picture_pairs(strips.dev, other)
    with pytest.raises(DataError, match="a text: expected a picture"):
        picture_pairs([Example("a text", ("1",))], image)
