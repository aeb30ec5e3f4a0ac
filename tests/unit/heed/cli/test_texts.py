"""Texts that commands send several of in one call."""

from __future__ import annotations

import argparse

from heed.cli.texts import TextLine, placed, text_chunks
from heed.client import ErrorDetails, FieldViolation, InvalidRequestError


def test_texts_share_a_call_up_to_its_size_and_a_longer_one_goes_alone() -> None:
    arguments = argparse.Namespace(texts=["a", "bb", "cccccc", "d", "e"])
    chunks = text_chunks(arguments, most_characters=3)
    texts = [[line.text for line in chunk] for chunk in chunks]
    assert texts == [["a", "bb"], ["cccccc"], ["d", "e"]]


def test_texts_share_a_call_up_to_their_number() -> None:
    arguments = argparse.Namespace(texts=["a"] * 150)
    sizes = [len(chunk) for chunk in text_chunks(arguments, most_characters=1000)]
    assert sizes == [64, 64, 22]


def test_an_error_names_the_place_among_all_lines() -> None:
    violation = FieldViolation("texts[1]", "must have at most 9 characters")
    error = InvalidRequestError("refused", ErrorDetails("INVALID_ARGUMENT", "", (violation,)))
    chunk = [TextLine(65, "a"), TextLine(67, "too long")]
    named = placed(error, chunk, argparse.Namespace(texts=[]))
    assert isinstance(named, InvalidRequestError)
    assert str(named) == "line 67: must have at most 9 characters"
    assert str(placed(error, chunk, argparse.Namespace(texts=["a"]))).startswith("text 67: ")


def test_an_error_of_the_whole_call_stays_as_it_is() -> None:
    error = InvalidRequestError("no model", ErrorDetails("INVALID_ARGUMENT"))
    assert placed(error, [TextLine(1, "a")], argparse.Namespace(texts=[])) is error
