"""Texts in tokens."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from heed.client.results import ModelVersion, Token


class TextSide(StrEnum):
    """Which of a model's two tokenizers: for what goes in, or for what comes out."""

    SOURCE = "source"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class TokenizedText:
    """A text as a model's tokenizer splits it.

    Attributes:
        text: The text.
        tokens: Its tokens, each with its span; without begin and end.
        pieces: The vocabulary's own name of each token, for example "▁the".
        fits: Whether the model takes the text: at least 1 token, at most `max_token_count`.
        max_token_count: The most tokens that a text of this side may have.
        model: The model and version whose tokenizer it was.
    """

    text: str
    tokens: tuple[Token, ...]
    pieces: tuple[str, ...]
    fits: bool
    max_token_count: int
    model: ModelVersion

    @property
    def ids(self) -> list[int]:
        """The ids of the tokens."""
        return [token.id for token in self.tokens]
