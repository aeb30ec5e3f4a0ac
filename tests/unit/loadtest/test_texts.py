from pathlib import Path

import pytest

from loadtest.texts import LengthKind, load_lengths, make_texts, read_texts
from loadtest.texts.lengths import Lengths, count_lengths


@pytest.mark.parametrize("kind", LengthKind)
def test_made_texts_are_as_long_as_real_ones(kind: LengthKind) -> None:
    lengths = load_lengths(kind)
    texts = make_texts(kind, 4000)
    made = count_lengths(texts, unit=lengths.unit)
    assert set(made) <= set(lengths.counts)
    mean = sum(length * count for length, count in made.items()) / len(texts)
    assert mean == pytest.approx(lengths.mean, rel=0.03)
    assert lengths.source


def test_the_same_seed_makes_the_same_texts() -> None:
    assert make_texts("captions", 20, seed=3) == make_texts("captions", 20, seed=3)
    assert make_texts("captions", 20, seed=3) != make_texts("captions", 20, seed=4)


def test_lengths_are_counted_in_words_or_letters() -> None:
    assert count_lengths(["a b", " cde f", ""], unit="words") == {2: 2}
    assert count_lengths(["a b", "cde", ""], unit="letters") == {3: 2}


def test_lengths_that_no_text_can_have_are_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        Lengths("words", "nobody", {0: 3})


def test_texts_of_a_file_come_without_its_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "texts"
    path.write_text("one\n\n  two words \n")
    assert read_texts(path) == ["one", "two words"]


def test_a_file_without_texts_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "texts"
    path.write_text("\n")
    with pytest.raises(ValueError, match="holds no text"):
        read_texts(path)
    with pytest.raises(ValueError, match="cannot read texts from"):
        read_texts(tmp_path / "missing")


def test_no_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        make_texts("captions", 0)
