"""Which sentence each token belongs to."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import pytest

from heed.text.sentence_ids import sentence_ids


@dataclass(frozen=True)
class Word:
    begin: int


def words(text: str) -> list[Word]:
    return [Word(found.start()) for found in re.finditer(r"\S+", text)]


def ids(text: str, *, max_count: int = 10, max_tokens: int = 10) -> list[int]:
    return sentence_ids(text, words(text), max_count=max_count, max_tokens=max_tokens)


def test_every_token_belongs_to_the_sentence_it_stands_in() -> None:
    assert ids("It rains. Take a coat! Why?") == [0, 0, 1, 1, 1, 2]


def test_a_long_sentence_is_cut_into_pieces() -> None:
    assert ids("one two three four five. Six", max_tokens=2) == [0, 0, 1, 1, 2, 3]


def test_a_text_with_too_many_sentences_is_read_in_even_parts() -> None:
    text = "A b. C d. E f. G h."
    assert ids(text, max_count=3, max_tokens=4) == [0, 0, 0, 1, 1, 1, 2, 2]


def test_a_sentence_without_a_token_has_no_number() -> None:
    text = "One. Two. Three."
    tokens = [Word(0), Word(10)]  # the tokenizer found nothing in the second sentence
    assert sentence_ids(text, tokens, max_count=5, max_tokens=5) == [0, 1]


def test_a_text_without_tokens_has_no_sentences() -> None:
    assert sentence_ids("  ", [], max_count=2, max_tokens=2) == []


def test_more_tokens_than_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="5 tokens do not fit 2 sentences of 2"):
        ids("a b c d e", max_count=2, max_tokens=2)


@pytest.mark.parametrize("max_count", [1, 2, 3, 7])
@pytest.mark.parametrize("max_tokens", [3, 4, 9])
def test_limits_are_kept_and_numbers_rise_by_one(max_count: int, max_tokens: int) -> None:
    text = "One two. Three four five six! Seven? Eight nine ten. " * 2
    tokens = words(text)[: max_count * max_tokens]
    found = sentence_ids(text, tokens, max_count=max_count, max_tokens=max_tokens)
    assert found[0] == 0
    assert {b - a for a, b in itertools.pairwise(found)} <= {0, 1}
    assert found[-1] < max_count
    assert max(map(found.count, found)) <= max_tokens
