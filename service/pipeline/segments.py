"""Sentences into segments that a model takes: none too long, none without a token. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from heed.text import Tokenizer
from heed.text.sentences import TextSpan

_WINDOW_PER_TOKEN: Final = 8
"""Characters looked at for each token wanted; doubled where tokens are longer."""
_CLAUSE_END: Final = re.compile(r"[,;:–—]\s+|[、，；：]\s*")
_WORD_END: Final = re.compile(r"\s+")


def fit_segments(
    text: str, sentences: Iterable[TextSpan], *, tokenizer: Tokenizer, max_tokens: int
) -> Iterator[TextSpan]:
    """Splits sentences that have too many tokens, and joins those without any to their neighbours.

    A sentence is split behind a comma or its like if there is one in the second half of what fits,
    else between words, else, where there are no words, between tokens.

    Args:
        text: The whole text.
        sentences: Spans that together are the text, in order.
        tokenizer: Of the model's source.
        max_tokens: The most tokens of a segment, 1 or more.

    Yields:
        Spans that together are the text. Only a text without a token gives a span without one, and
        only a single character can have more tokens than `max_tokens`.
    """
    pending, has_tokens = TextSpan(0, 0), False
    for sentence in sentences:
        parts = _parts(text, sentence, tokenizer=tokenizer, max_tokens=max_tokens)
        for part, token_count in parts:
            if has_tokens and token_count:
                yield pending
                pending = part
            else:
                pending = TextSpan(pending.begin, part.end)
            has_tokens = has_tokens or token_count > 0
    if pending.end > pending.begin:
        yield pending


def _parts(
    text: str, span: TextSpan, *, tokenizer: Tokenizer, max_tokens: int
) -> Iterator[tuple[TextSpan, int]]:
    """The parts of a sentence, each with its number of tokens."""
    begin = span.begin
    while begin < span.end:
        rest = TextSpan(begin, span.end)
        end = _first_end(text, rest, tokenizer=tokenizer, max_tokens=max_tokens)
        part = TextSpan(begin, end)
        yield part, len(tokenizer.encode_ids(part.of(text)))
        begin = end


def _first_end(text: str, span: TextSpan, *, tokenizer: Tokenizer, max_tokens: int) -> int:
    """How far the first part of a span reaches, at least one character."""
    size = _WINDOW_PER_TOKEN * max_tokens
    while True:
        window = text[span.begin : min(span.begin + size, span.end)]
        if len(tokenizer.encode_ids(window)) > max_tokens:
            break
        if span.begin + len(window) == span.end:
            return span.end
        size *= 2
    fitting = tokenizer.encode(window)[max_tokens].begin
    while True:
        cut = _best_cut(window, fitting)
        excess = len(tokenizer.encode_ids(window[:cut])) - max_tokens
        if excess <= 0 or cut == 1:
            return span.begin + cut
        fitting = cut - excess


def _best_cut(window: str, fitting: int) -> int:
    """Where to cut a text of which so many characters fit: at the last good place, 1 or more."""
    for pattern, earliest in ((_CLAUSE_END, fitting // 2), (_WORD_END, 0)):
        ends = [match.end() for match in pattern.finditer(window, 0, max(fitting, 0))]
        good = [end for end in ends if earliest < end <= fitting]
        if good:
            return good[-1]
    return max(fitting, 1)
