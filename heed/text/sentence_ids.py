"""Which sentence each token of a text belongs to: training and the gateway ask here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from heed.text.sentences import split_sentences


class SpannedToken(Protocol):
    """What must be known of a token."""

    @property
    def begin(self) -> int:
        """Where it begins, in Unicode code points."""


def sentence_ids(
    text: str, tokens: Sequence[SpannedToken], *, max_count: int, max_tokens: int
) -> list[int]:
    """The sentence of every token, counted from 0; none is without a token.

    A sentence of more than `max_tokens` tokens is cut into pieces of so many. A text that would
    have more than `max_count` sentences is cut into `max_count` even parts instead.

    Args:
        text: The text.
        tokens: Its tokens, in order; at most `max_count` times `max_tokens`.
        max_count: The most sentences, 1 or more.
        max_tokens: The most tokens of a sentence, 1 or more.

    Raises:
        ValueError: There are more tokens than so many sentences can hold.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Letter:
        ...     begin: int
        >>> letters = [Letter(place) for place in (0, 1, 4, 5, 6)]
        >>> sentence_ids("No. Yes", letters, max_count=4, max_tokens=2)
        [0, 0, 1, 1, 2]
    """
    if len(tokens) > max_count * max_tokens:
        raise ValueError(f"{len(tokens)} tokens do not fit {max_count} sentences of {max_tokens}")
    ends = [span.end for span in split_sentences(text)]
    ids: list[int] = []
    sentence, place, size = -1, -1, 0
    for token in tokens:
        reached = max(place, 0)
        while reached < len(ends) - 1 and ends[reached] <= token.begin:
            reached += 1
        if reached != place or size == max_tokens:
            sentence, place, size = sentence + 1, reached, 0
        ids.append(sentence)
        size += 1
    if sentence < max_count:
        return ids
    part = math.ceil(len(tokens) / max_count)
    return [index // part for index in range(len(tokens))]
