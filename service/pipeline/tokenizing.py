"""Splitting texts into tokens for callers who want to see them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from heed.text import Tokenizer
from service.domain.answers import TokenizedText
from service.domain.models import LoadedVersion
from service.domain.requests import TextSide
from service.errors import InvalidRequestError
from service.pipeline.tokens import source_tokens

MAX_CHARACTERS: Final = 20_000
"""The most code points of all texts of a call: what is sent back is many times as large. One text
may have more, where the gateway's limit of a text is higher."""
SHORT_CHARACTERS: Final = 1000
"""A text up to here is split faster than it is handed to another thread."""


def check_total_characters(texts: Sequence[str], max_text_characters: int) -> None:
    """Checks how much a call wants split.

    Args:
        texts: The texts.
        max_text_characters: The most code points of one text.

    Raises:
        InvalidRequestError: The texts have too many code points together.
    """
    total, most = sum(map(len, texts)), max(MAX_CHARACTERS, max_text_characters)
    if total > most:
        raise InvalidRequestError.of(
            "texts", f"must have at most {most} characters together, got {total}"
        )


async def tokenize_on(
    version: LoadedVersion, texts: Sequence[str], side: TextSide
) -> tuple[TokenizedText, ...]:
    """The tokens of every text. Other calls have their turn meanwhile.

    Args:
        version: Whose tokenizers these are.
        texts: The texts.
        side: Which tokenizer.

    Raises:
        InvalidRequestError: The model has no tokenizer on this side.
    """
    tokenizer = _tokenizer(version, side)
    longest = max_token_count(version, side)
    results = []
    for text in texts:
        if len(text) > SHORT_CHARACTERS:
            results.append(await asyncio.to_thread(_tokenize, text, tokenizer, longest))
        else:
            results.append(_tokenize(text, tokenizer, longest))
            await asyncio.sleep(0)
    return tuple(results)


def max_token_count(version: LoadedVersion, side: TextSide) -> int:
    """The most tokens that a text may have; a target's end token needs its place too."""
    if side is TextSide.SOURCE:
        return version.contract.max_source_tokens
    return version.contract.max_target_tokens - 1


def _tokenizer(version: LoadedVersion, side: TextSide) -> Tokenizer:
    return version.source_tokenizer if side is TextSide.SOURCE else version.target_tokenizer


def _tokenize(text: str, tokenizer: Tokenizer, longest: int) -> TokenizedText:
    tokens = source_tokens(tokenizer.encode(text))
    return TokenizedText(
        tokens=tokens,
        pieces=tuple(tokenizer.piece(token.id) for token in tokens),
        fits=1 <= len(tokens) <= longest,
    )
