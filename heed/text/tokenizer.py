"""A tokenizer that knows which characters each token stands for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import sentencepiece

_WORD_BEGIN: Final = "▁"
"""Begins the pieces of a vocabulary that white space stands before."""


class TokenizerError(ValueError):
    """The bytes given are no SentencePiece model, or token ids are outside its vocabulary."""


class TextToken(NamedTuple):
    """A token and the span of text it stands for.

    Attributes:
        id: Id in the vocabulary, 0 to `vocabulary_size` - 1.
        text: The characters of the span, white space around them left out.
        begin: Where the span begins, in Unicode code points from the start of the text.
        end: Where it ends (exclusive), in Unicode code points.
        is_unknown: Whether the vocabulary lacks these characters.
    """

    id: int
    text: str
    begin: int
    end: int
    is_unknown: bool


@dataclass(frozen=True, slots=True)
class DecodedText:
    """Text made from token ids, with one `TextToken` for every id, in order."""

    text: str
    tokens: tuple[TextToken, ...]


class Tokenizer:
    """Splits text into the tokens of one SentencePiece model, and joins tokens into text.

    It is made from a model's serialised bytes, which travel with the exported version, so that
    training and serving cannot tokenize differently. Safe to share between threads.

    Args:
        serialized: A serialised SentencePiece model.

    Raises:
        TokenizerError: `serialized` is not a SentencePiece model.

    Example:
        >>> from heed.text import TokenizerSettings, train_tokenizer
        >>> settings = TokenizerSettings(kind="character")
        >>> letters = Tokenizer(train_tokenizer(["abc", "cab"], settings))
        >>> [(token.text, token.begin, token.end) for token in letters.encode("Cab")]
        [('C', 0, 1), ('a', 1, 2), ('b', 2, 3)]
    """

    def __init__(self, serialized: bytes) -> None:
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_proto=serialized)
        except (RuntimeError, ValueError) as error:
            raise TokenizerError(
                f"not a serialised SentencePiece model ({len(serialized)} bytes): {error}"
            ) from error
        self._serialized = serialized
        self._vocabulary_size = int(self._processor.vocab_size())
        self._unknown_id = int(self._processor.unk_id())
        self._splits_words = self._has_words_alone()

    @property
    def serialized(self) -> bytes:
        """The SentencePiece model as bytes."""
        return self._serialized

    @property
    def sha256(self) -> str:
        """SHA-256 of `serialized`, 64 lower-case hexadecimal digits."""
        return hashlib.sha256(self._serialized).hexdigest()

    @property
    def vocabulary_size(self) -> int:
        """Number of ids, the special ones included."""
        return self._vocabulary_size

    @property
    def splits_words(self) -> bool:
        """Whether every token is a whole word: text is split at white space alone."""
        return self._splits_words

    def _has_words_alone(self) -> bool:
        ids = range(self._vocabulary_size)
        processor = self._processor
        ordinary = (
            one for one in ids if not (processor.is_control(one) or one == self._unknown_id)
        )
        return all(processor.id_to_piece(one).startswith(_WORD_BEGIN) for one in ordinary)

    def piece(self, token_id: int) -> str:
        """The vocabulary's own name of an id, for example "▁the" or "</s>"."""
        self._check_ids([token_id])
        return str(self._processor.id_to_piece(token_id))

    def encode_ids(self, text: str) -> list[int]:
        """The token ids of a text, without the spans: faster than `encode`."""
        return list(self._processor.encode(text, return_type=int))

    def encode(self, text: str) -> tuple[TextToken, ...]:
        """The tokens of a text, each with its span. Text of white space alone has no tokens."""
        if not text:
            return ()
        proto = self._processor.encode(text, return_type="proto")
        return self._with_spans(text, proto.pieces)

    def decode(self, token_ids: Sequence[int]) -> DecodedText:
        """The text of token ids.

        Raises:
            TokenizerError: An id lies outside the vocabulary.
        """
        self._check_ids(token_ids)
        proto = self._processor.decode(list(token_ids), return_type="proto")
        return DecodedText(text=proto.text, tokens=self._with_spans(proto.text, proto.pieces))

    def _check_ids(self, token_ids: Iterable[int]) -> None:
        size = self._vocabulary_size
        for token_id in token_ids:
            if not 0 <= token_id < size:
                raise TokenizerError(
                    f"token id {token_id} lies outside the vocabulary (0 to {size - 1})"
                )

    def _with_spans(self, text: str, pieces: Iterable[Any]) -> tuple[TextToken, ...]:
        spans = [(piece.id, piece.begin, piece.end) for piece in pieces]
        if not text.isascii():
            to_code_point = _byte_to_code_point(text)
            spans = [(one, to_code_point[begin], to_code_point[end]) for one, begin, end in spans]
        tokens = []
        for token_id, begin, end in _with_shared_spans(spans):
            covered = text[begin:end]
            visible = covered.strip()  # a span of white space alone stays as it is
            if visible and len(visible) < len(covered):
                begin += len(covered) - len(covered.lstrip())
                covered, end = visible, begin + len(visible)
            tokens.append(TextToken(token_id, covered, begin, end, token_id == self._unknown_id))
        return tuple(tokens)


def _byte_to_code_point(text: str) -> list[int]:
    """For every byte offset of the text's UTF-8 form, the offset in code points."""
    offsets: list[int] = []
    for index, character in enumerate(text):
        offsets.extend([index] * len(character.encode()))
    return [*offsets, len(text)]


def _with_shared_spans(spans: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Gives a token with an empty span the span of the next token that begins where it does.

    When normalisation turns one character into several (the ligature "fi" into "f", "i"),
    SentencePiece gives the character to the last of them.
    """
    if all(begin < end for _, begin, end in spans):
        return list(spans)
    shared: list[tuple[int, int, int]] = []
    next_begin, next_end = -1, -1
    for token_id, begin, end in reversed(spans):
        if begin == end and begin == next_begin:
            end = next_end
        shared.append((token_id, begin, end))
        next_begin, next_end = begin, end
    return shared[::-1]
