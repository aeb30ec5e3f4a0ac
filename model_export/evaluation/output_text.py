"""Outputs as text."""

from __future__ import annotations

from collections.abc import Sequence

from heed.contract import SPECIAL_IDS
from heed.text import Tokenizer


def output_text(tokenizer: Tokenizer, tokens: Sequence[int]) -> str:
    """The text of an output's token ids, with or without the end token behind them."""
    return tokenizer.decode([each for each in tokens if each != SPECIAL_IDS.end]).text
