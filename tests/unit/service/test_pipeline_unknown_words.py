"""Words of the source in the place of unknown tokens, with real tokenizers of every kind."""

from __future__ import annotations

import numpy as np
import pytest

from heed.contract import SPECIAL_IDS
from heed.text import Tokenizer, TokenizerSettings, train_tokenizer
from service.domain.answers import Attention, FinishReason, Hypothesis, Token
from service.pipeline.tokens import source_tokens, target_tokens
from service.pipeline.unknown_words import UnknownWords

UNKNOWN, END = SPECIAL_IDS.unknown, SPECIAL_IDS.end
SENTENCES = ["the cat sees paris", "the dog is in paris", "a cat and a dog"]


def tokenizer(kind: str) -> Tokenizer:
    size = {"word": 30, "bpe": 40, "unigram": 30, "character": 30}[kind]
    settings = TokenizerSettings(kind=kind, vocabulary_size=size)
    return Tokenizer(train_tokenizer(SENTENCES, settings))


WORDS = tokenizer("word")


def written(*ids: int, by: Tokenizer = WORDS) -> tuple[str, tuple[Token, ...]]:
    return target_tokens(by, ids, [-1.0] * len(ids))


def ids_of(text: str, by: Tokenizer = WORDS) -> list[int]:
    return by.encode_ids(text)


def replacing(
    source: str, *, source_of: Tokenizer = WORDS, target: Tokenizer = WORDS
) -> UnknownWords:
    tokens = source_tokens(source_of.encode(source))
    return UnknownWords(source, tokens, (source_of.splits_words, target.splits_words))


def looking_at(columns: int, *places: int) -> np.ndarray:
    """Weights that are largest at one place of each row, and not 0 elsewhere."""
    weights = np.full((len(places), columns), 0.2 / columns, np.float32)
    weights[np.arange(len(places)), places] += 0.8
    return weights


def check_offsets(text: str, tokens: tuple[Token, ...]) -> None:
    for token in tokens:
        assert text[token.begin : token.end] == token.text, token
    spans = [(token.begin, token.end) for token in tokens]
    assert spans == sorted(spans)
    assert tokens[-1].end <= len(text)


@pytest.mark.parametrize(
    ("kind", "expected"), [("word", True), ("bpe", False), ("unigram", False), ("character", False)]
)
def test_a_tokenizer_knows_whether_its_tokens_are_words(kind: str, expected: bool) -> None:
    assert tokenizer(kind).splits_words is expected


def test_a_word_stands_where_the_unknown_stood_and_offsets_follow() -> None:
    source = "the cat sees Timbuktu and a dog"
    the, sees, paris = ids_of("the sees paris")
    text, tokens = written(the, UNKNOWN, sees, paris, END)
    assert "⁇" in text
    new, moved = replacing(source).replaced_in(text, tokens, looking_at(7, 0, 3, 2, 6, 1))
    assert new == "the Timbuktu sees paris"
    assert [token.text for token in moved] == ["the", "Timbuktu", "sees", "paris", ""]
    assert [token.id for token in moved] == [token.id for token in tokens]
    assert [token.kind for token in moved] == [token.kind for token in tokens]
    assert (moved[-1].begin, moved[-1].end) == (len(new), len(new))
    check_offsets(new, moved)


@pytest.mark.parametrize(
    ("ids", "places", "expected"),
    [
        ([UNKNOWN], [0], "Zoë"),
        ([UNKNOWN, END], [1], "sees"),
        ([UNKNOWN, UNKNOWN, UNKNOWN, END], [0, 0, 2, 1], "Zoë Zoë Ærø"),
        ([UNKNOWN, *ids_of("cat"), END], [2, 0, 0], "Ærø cat"),
        ([*ids_of("cat"), UNKNOWN, END], [0, 2, 0], "cat Ærø"),
        (
            [*ids_of("the cat"), UNKNOWN, *ids_of("dog"), UNKNOWN],
            [0, 0, 1, 0, 2],
            "the cat sees dog Ærø",
        ),
    ],
    ids=["alone", "before the end", "several", "first", "last", "among others"],
)
def test_words_are_parted_by_one_space(ids: list[int], places: list[int], expected: str) -> None:
    text, tokens = written(*ids)
    new, moved = replacing("Zoë sees Ærø").replaced_in(text, tokens, looking_at(3, *places))
    assert new == expected
    check_offsets(new, moved)


def test_words_that_the_tokenizer_reads_as_one_unknown_are_written_together() -> None:
    words = replacing("the Zoë Ærø sees")
    assert [token.text for token in words.source_tokens] == ["the", "Zoë Ærø", "sees"]
    text, tokens = written(*ids_of("the"), UNKNOWN, END)
    new, moved = words.replaced_in(text, tokens, looking_at(3, 0, 1, 2))
    assert new == "the Zoë Ærø"
    check_offsets(new, moved)


def test_a_text_without_unknown_tokens_stays_as_it_is() -> None:
    text, tokens = written(*ids_of("the cat sees paris"), END)
    same = replacing("a b").replaced_in(text, tokens, looking_at(2, 0, 1, 0, 1, 0))
    assert same == (text, tokens)


def test_a_token_that_looked_at_nothing_stays_unknown() -> None:
    text, tokens = written(*ids_of("the"), UNKNOWN, END)
    same = replacing("Zoë").replaced_in(text, tokens, np.zeros((3, 1), np.float32))
    assert same == (text, tokens)


def test_a_whole_word_is_written_where_the_source_is_cut_into_pieces() -> None:
    pieces = tokenizer("bpe")
    source = "the dog is in Zanzibar, a cat"
    words = replacing(source, source_of=pieces)
    place = next(
        place for place, token in enumerate(words.source_tokens) if token.begin > source.index("Z")
    )
    text, tokens = written(*ids_of("the"), UNKNOWN)
    weights = looking_at(len(words.source_tokens), 0, place)
    new, moved = words.replaced_in(text, tokens, weights)
    assert new == "the Zanzibar,"
    check_offsets(new, moved)


@pytest.mark.parametrize("kind", ["bpe", "unigram", "character"])
def test_pieces_are_replaced_by_pieces_without_more_space_than_was_written(kind: str) -> None:
    pieces = tokenizer(kind)
    source = "the cat ☃ sees"
    words = replacing(source, source_of=pieces, target=pieces)
    ids = [*ids_of(source, pieces), END]
    text, tokens = written(*ids, by=pieces)
    assert "⁇" in text
    columns = len(words.source_tokens)
    copied = looking_at(columns, *range(columns), 0)
    new, moved = words.replaced_in(text, tokens, copied)
    assert new == source
    check_offsets(new, moved)


def test_a_hypothesis_keeps_its_scores_and_its_attention_names_the_new_tokens() -> None:
    text, tokens = written(*ids_of("the"), UNKNOWN, END)
    attention = Attention(tokens, (), looking_at(2, 0, 1, 1))
    hypothesis = Hypothesis(text, -3.0, tokens, FinishReason.END, attention)
    replaced = replacing("the Ærø").replaced(hypothesis)
    assert replaced.text == "the Ærø"
    assert replaced.score == -3.0
    assert replaced.attention is not None
    assert replaced.attention.target_tokens == replaced.tokens
    assert replaced.attention.weights is attention.weights
