"""Tokens of the tokenizer as tokens of an answer. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from heed.contract import SPECIAL_IDS
from heed.text import TextToken, Tokenizer
from service.domain.answers import Token, TokenKind

_CHARACTERS_PER_TOKEN: Final = 8
"""A text with more characters for each token that it may have is counted before it is placed."""


def encode(tokenizer: Tokenizer, text: str, *, most: int) -> tuple[tuple[TextToken, ...], int]:
    """The tokens of a text, and how many there are.

    Counting takes a hundredth of the time that placing does, and nobody else has a turn meanwhile.
    So a text that is far too long has its tokens counted, and none of them placed.

    Args:
        tokenizer: Whose tokens.
        text: The text.
        most: The most tokens that it may have.
    """
    if len(text) > _CHARACTERS_PER_TOKEN * most:
        count = len(tokenizer.encode_ids(text))
        if count > most:
            return (), count
    tokens = tokenizer.encode(text)
    return tokens, len(tokens)


def source_tokens(tokens: Sequence[TextToken]) -> tuple[Token, ...]:
    """The tokens of a source, which have no scores."""
    return tuple(_token(token, None) for token in tokens)


def target_tokens(
    tokenizer: Tokenizer, token_ids: Sequence[int], scores: Sequence[float]
) -> tuple[str, tuple[Token, ...]]:
    """The text of an output, and its tokens.

    Args:
        tokenizer: The target tokenizer.
        token_ids: The output's tokens, with or without the end token.
        scores: The score of each.

    Returns:
        The text without the end token; the tokens with it, its span empty at the text's end.

    Raises:
        TokenizerError: An id lies outside the vocabulary.
    """
    has_end = is_ended(token_ids)
    decoded = tokenizer.decode(token_ids[:-1] if has_end else token_ids)
    tokens = [_token(token, score) for token, score in zip(decoded.tokens, scores, strict=False)]
    if has_end:
        tokens.append(_end_token(decoded.text, scores[-1]))
    return decoded.text, tuple(tokens)


def scored_tokens(
    text: str, tokens: Sequence[TextToken], scores: Sequence[float]
) -> tuple[Token, ...]:
    """The tokens of a given target text, closed by the end token; one score for each."""
    scored = [_token(token, score) for token, score in zip(tokens, scores, strict=False)]
    return (*scored, _end_token(text, scores[-1]))


def is_ended(token_ids: Sequence[int]) -> bool:
    """Whether the model ended the output itself."""
    return bool(token_ids) and token_ids[-1] == SPECIAL_IDS.end


def _token(token: TextToken, score: float | None) -> Token:
    kind = TokenKind.UNKNOWN if token.is_unknown else TokenKind.TEXT
    return Token(token.id, token.text, token.begin, token.end, kind, score)


def _end_token(text: str, score: float) -> Token:
    return Token(SPECIAL_IDS.end, "", len(text), len(text), TokenKind.END, score)
