import functools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heed.text import Tokenizer, TokenizerKind, TokenizerSettings, train_tokenizer
from heed.text.sentences import TextSpan, split_sentences
from service.pipeline.segments import fit_segments


@functools.cache
def tokenizer(kind):
    texts = ["the quick brown fox jumps over the lazy dog, and so on", "本当ですか。", "a b c"]
    return Tokenizer(train_tokenizer(texts * 3, TokenizerSettings(kind=kind, vocabulary_size=60)))


def segments_of(text, max_tokens, *, kind=TokenizerKind.WORD, sentences=None):
    spans = split_sentences(text) if sentences is None else sentences
    return [
        span.of(text)
        for span in fit_segments(text, spans, tokenizer=tokenizer(kind), max_tokens=max_tokens)
    ]


def test_sentences_that_fit_stay_as_they_are():
    assert segments_of("One two. Three four five. Six.", 3) == [
        "One two. ",
        "Three four five. ",
        "Six.",
    ]


def test_a_long_sentence_is_split_behind_its_last_comma_that_is_late_enough():
    assert segments_of("the fox, the lazy dog, the fox and so on", 6) == [
        "the fox, the lazy dog, ",
        "the fox and so on",
    ]
    assert segments_of("the fox, the lazy dog jumps over the fox", 7) == [
        "the fox, the lazy dog jumps over ",
        "the fox",
    ]


def test_a_word_that_is_too_long_is_split_between_tokens():
    assert segments_of("abcdefgh ij", 3, kind=TokenizerKind.CHARACTER) == [
        "abc",
        "def",
        "gh ",
        "ij",
    ]


def test_what_has_no_token_joins_its_neighbours():
    text = "\u200b\u200ba b\u200b"
    spans = [TextSpan(0, 1), TextSpan(1, 3), TextSpan(3, 5), TextSpan(5, 6)]
    assert segments_of(text, 5, sentences=spans) == ["\u200b\u200ba", " b\u200b"]
    assert segments_of(" \n ", 5) == [" \n "]
    assert segments_of("", 5) == []


@pytest.mark.parametrize("kind", TokenizerKind)
@given(
    text=st.lists(
        st.one_of(st.text(max_size=5), st.sampled_from(["the ", "dog, ", ". ", "本当", "ﬁ", "  "]))
    ).map("".join),
    max_tokens=st.integers(1, 7),
)
def test_segments_are_the_text_and_fit(kind, text, max_tokens):
    segments = segments_of(text, max_tokens, kind=kind)
    assert "".join(segments) == text
    counts = [len(tokenizer(kind).encode_ids(segment)) for segment in segments]
    assert len(counts) <= 1 or min(counts) > 0
    for segment, count in zip(segments, counts, strict=True):
        characters = [one for one in segment if tokenizer(kind).encode_ids(one)]
        assert count <= max_tokens or len(characters) == 1


def test_a_long_text_without_an_end_is_split_in_time_that_grows_with_its_length():
    segments = segments_of("the quick brown fox " * 5_000, 16)
    assert len(segments) == 1250
