from __future__ import annotations

from service.domain.answers import TokenKind
from service.pipeline.tokens import (
    encode,
    is_ended,
    scored_tokens,
    source_tokens,
    target_tokens,
)
from tests.support.stub_model_server import END, letters


def test_source_tokens_keep_their_spans_and_have_no_scores() -> None:
    tokens = source_tokens(letters().encode("Ab1"))
    assert [(token.text, token.begin, token.end) for token in tokens] == [
        *(("A", 0, 1), ("b", 1, 2), ("1", 2, 3))
    ]
    assert [token.kind for token in tokens] == [
        *(TokenKind.TEXT, TokenKind.TEXT, TokenKind.UNKNOWN)
    ]
    assert {token.score for token in tokens} == {None}


def test_the_end_token_stands_behind_the_text_and_is_no_part_of_it() -> None:
    ids = [*letters().encode_ids("ab"), END]
    text, tokens = target_tokens(letters(), ids, [-1.0, -2.0, -3.0])
    assert text == "ab"
    assert [token.score for token in tokens] == [-1.0, -2.0, -3.0]
    assert (tokens[2].kind, tokens[2].text) == (TokenKind.END, "")
    assert (tokens[2].begin, tokens[2].end) == (2, 2)


def test_an_output_that_was_cut_has_no_end_token() -> None:
    ids = letters().encode_ids("ab")
    text, tokens = target_tokens(letters(), ids, [-1.0, -2.0])
    assert (text, len(tokens)) == ("ab", 2)
    assert not is_ended(ids)


def test_an_output_of_the_end_token_alone_is_an_empty_text() -> None:
    text, tokens = target_tokens(letters(), [END], [-1.0])
    assert text == ""
    assert [(token.begin, token.end) for token in tokens] == [(0, 0)]


def test_a_given_target_is_closed_by_the_end_token() -> None:
    tokens = scored_tokens("ab", letters().encode("ab"), [-1.0, -2.0, -3.0])
    assert [token.kind for token in tokens] == [TokenKind.TEXT, TokenKind.TEXT, TokenKind.END]
    assert [token.score for token in tokens] == [-1.0, -2.0, -3.0]


def test_of_a_text_that_is_far_too_long_the_tokens_are_counted_and_not_placed() -> None:
    assert encode(letters(), "ab" * 100, most=16) == ((), 200)
    for text in ("ab" * 9, "ab", "", " " * 500 + "a"):
        expected = letters().encode(text)
        assert encode(letters(), text, most=16) == (expected, len(expected))
