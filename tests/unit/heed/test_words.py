"""What counts as a word."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heed.text.words import word_spans

ALPHABET = (
    "ab.,-'(\u300c\u300d\u3002 \t\u3000\u200b\u0301\u3099\u200d"
    "\u6771\u4eac\u3078\u30ab\u30fc\U0001f600\U0002000b\u0e01"
)
TEXTS = st.text(st.sampled_from(ALPHABET), max_size=30)


def words(text: str) -> list[str]:
    return [text[begin:end] for begin, end in word_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\n", []),
        ("a dog  barks.", ["a", "dog", "barks."]),
        ("yes \u2014 no", ["yes", "\u2014", "no"]),
        ("l'eau (froide)", ["l'eau", "(froide)"]),
        ("one\u200btwo", ["one", "two"]),
        ("東京へ", ["東", "京", "へ"]),
        ("「好」他说。", ["「好」", "他", "说。"]),
        ("。好", ["。好"]),
        ("2020年abc", ["2020", "年", "abc"]),
        ("ラーメンを", ["ラーメン", "を"]),
        ("らーめん", ["らー", "め", "ん"]),
        ("か\u3099e\u0301", ["か\u3099", "e\u0301"]),
        ("안녕 세상", ["안녕", "세상"]),
        ("สวัสดีชาวโลก", ["สวัสดีชาวโลก"]),
        ("👩\u200d👧 x", ["👩\u200d👧", "x"]),
    ],
)
def test_words_stand_between_spaces_and_han_and_hiragana_stand_alone(
    text: str, expected: list[str]
) -> None:
    assert words(text) == expected


@given(TEXTS)
def test_words_cover_everything_but_white_space_once_and_in_order(text: str) -> None:
    covered = [place for begin, end in word_spans(text) for place in range(begin, end)]
    visible = [
        place
        for place, character in enumerate(text)
        if not character.isspace() and character != "\u200b"
    ]
    assert covered == visible


@given(TEXTS)
def test_a_mark_is_never_parted_from_the_character_before_it(text: str) -> None:
    for begin, _ in word_spans(text):
        if unicodedata.category(text[begin]).startswith("M"):
            assert begin == 0 or text[begin - 1].isspace() or text[begin - 1] == "\u200b"


@given(st.text(st.characters(max_codepoint=0x24F), max_size=40))
def test_words_of_scripts_with_spaces_are_numbered_as_split_numbers_them(text: str) -> None:
    assert words(text) == text.split()
