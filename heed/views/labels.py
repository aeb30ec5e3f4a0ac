"""What is written beside the rows and columns of an attention map."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from heed.client.results import Token, TokenKind
from heed.figures.visible import visible

END_LABEL: Final = "<end>"


def token_label(token: Token) -> str:
    """A token's label: its text, `<end>`, or its text with "?" if the model does not know it."""
    if token.kind is TokenKind.END:
        return END_LABEL
    text = visible(token.text) or "''"
    return f"{text}?" if token.kind is TokenKind.UNKNOWN else text


def token_labels(tokens: Iterable[Token]) -> list[str]:
    """The label of every token, in order."""
    return [token_label(token) for token in tokens]
