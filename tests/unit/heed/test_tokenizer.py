"""Tokens, spans and the way back."""

import io

import pytest
import sentencepiece

from heed.contract import SPECIAL_IDS
from heed.text import Tokenizer, TokenizerError, TokenizerKind, TokenizerSettings, train_tokenizer


def _train(texts: list[str], kind: str, **settings: object) -> Tokenizer:
    return Tokenizer(
        train_tokenizer(texts, TokenizerSettings(kind=TokenizerKind(kind), **settings))
    )


@pytest.fixture(scope="module")
def letters() -> Tokenizer:
    return _train(["find", "été", "a cab", "𝒳x"], "character")


@pytest.fixture(scope="module")
def phonemes() -> Tokenizer:
    return _train(["AH T EH N", "SH AH N"], "word", lowercase=False)


def _spans(tokenizer: Tokenizer, text: str) -> list[tuple[str, int, int]]:
    return [(token.text, token.begin, token.end) for token in tokenizer.encode(text)]


def test_every_letter_is_a_token_with_its_span(letters: Tokenizer) -> None:
    assert _spans(letters, "cab") == [("c", 0, 1), ("a", 1, 2), ("b", 2, 3)]


def test_case_is_folded_but_the_span_shows_the_text_as_given(letters: Tokenizer) -> None:
    upper, lower = letters.encode("CAB"), letters.encode("cab")
    assert [token.id for token in upper] == [token.id for token in lower]
    assert "".join(token.text for token in upper) == "CAB"


def test_offsets_count_code_points_not_bytes(letters: Tokenizer) -> None:
    assert _spans(letters, "été𝒳a") == [
        ("é", 0, 1),
        ("t", 1, 2),
        ("é", 2, 3),
        ("𝒳", 3, 4),
        ("a", 4, 5),
    ]


def test_a_combining_accent_belongs_to_its_letter(letters: Tokenizer) -> None:
    assert _spans(letters, "e\u0301t") == [("e\u0301", 0, 2), ("t", 2, 3)]


def test_both_letters_of_a_ligature_span_the_ligature(letters: Tokenizer) -> None:
    assert _spans(letters, "ﬁnd")[:3] == [("ﬁ", 0, 1), ("ﬁ", 0, 1), ("n", 1, 2)]


def test_white_space_around_a_text_is_no_token(letters: Tokenizer) -> None:
    assert _spans(letters, "  cab ") == [("c", 2, 3), ("a", 3, 4), ("b", 4, 5)]
    assert letters.encode(" \t\n") == ()
    assert letters.encode("") == ()


def test_a_model_that_puts_the_space_behind_a_word_gives_spans_without_it() -> None:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["AH T EH N", "SH AH N"]),
        model_writer=model,
        model_type="word",
        vocab_size=12,
        hard_vocab_limit=False,
        treat_whitespace_as_suffix=True,
        minloglevel=2,
    )
    spans = _spans(Tokenizer(model.getvalue()), "AH T")
    assert spans[:2] == [("AH", 0, 2), ("T", 3, 4)]


def test_characters_outside_the_vocabulary_are_unknown(letters: Tokenizer) -> None:
    tokens = letters.encode("c日b")
    assert [token.is_unknown for token in tokens] == [False, True, False]
    assert tokens[1].id == SPECIAL_IDS.unknown
    assert tokens[1].text == "日"


def test_encode_ids_gives_the_ids_of_encode(letters: Tokenizer) -> None:
    assert letters.encode_ids("a cab") == [token.id for token in letters.encode("a cab")]


def test_words_are_split_at_spaces_and_joined_again(phonemes: Tokenizer) -> None:
    ids = phonemes.encode_ids("AH T EH N SH AH N")
    decoded = phonemes.decode(ids)
    assert decoded.text == "AH T EH N SH AH N"
    assert [token.text for token in decoded.tokens] == decoded.text.split()
    assert all(decoded.text[token.begin : token.end] == token.text for token in decoded.tokens)


def test_special_ids_are_where_the_contract_says(phonemes: Tokenizer) -> None:
    names = [phonemes.piece(token_id) for token_id in range(4)]
    assert names == ["<pad>", "<unk>", "<s>", "</s>"]


def test_decoding_no_ids_gives_an_empty_text(phonemes: Tokenizer) -> None:
    assert phonemes.decode([]).text == ""


def test_an_id_outside_the_vocabulary_is_refused(phonemes: Tokenizer) -> None:
    with pytest.raises(TokenizerError, match=r"token id 99 lies outside the vocabulary \(0 to"):
        phonemes.decode([4, 99])
    with pytest.raises(TokenizerError, match="token id -1"):
        phonemes.decode([-1])


def test_bytes_that_are_no_model_are_refused() -> None:
    with pytest.raises(TokenizerError, match="not a serialised SentencePiece model"):
        Tokenizer(b"nonsense")


def test_no_texts_cannot_train() -> None:
    with pytest.raises(TokenizerError, match="could not train a word tokenizer"):
        train_tokenizer([], TokenizerSettings(kind=TokenizerKind.WORD))


@pytest.mark.parametrize("kind", list(TokenizerKind))
def test_training_twice_gives_the_same_bytes(kind: TokenizerKind) -> None:
    texts = ["the cat sat on the mat", "the dog ate the cat", "a dog sat"] * 5
    settings = TokenizerSettings(kind=kind, vocabulary_size=30)
    first, second = train_tokenizer(texts, settings), train_tokenizer(texts, settings)
    assert first == second
    tokenizer = Tokenizer(first)
    assert tokenizer.sha256 == Tokenizer(second).sha256
    assert tokenizer.decode(tokenizer.encode_ids("the cat sat")).text == "the cat sat"
