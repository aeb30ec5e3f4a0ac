"""What an entry of the answer cache takes and costs, in one process without a network.

Answers of so many tokens are put into a cache and looked up, with and without attention between
pieces. Memory is what Python's own tracing counts, beside what the cache says of itself.

Usage: python benchmarks/answer_cache.py [--tokens 20] [--answers 2000]
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from collections.abc import Callable

import numpy as np

from service.domain.answers import (
    Attention,
    FinishReason,
    Hypothesis,
    TextResult,
    Token,
    TokenKind,
)
from service.domain.models import VersionKey
from service.domain.requests import GenerateOptions
from service.metrics import Metrics
from service.pipeline.answer_cache import AnswerCache, AnswerKey

VERSION = VersionKey("model", 1)


def answer_of(number: int, tokens: int, *, attention: bool) -> TextResult:
    """An answer to a text of so many tokens, with as many of its own."""
    source = [
        Token(300 + place, f"w{number}", 7 * place, 7 * place + 6, TokenKind.TEXT)
        for place in range(tokens)
    ]
    target = [
        Token(300 + place, f"v{number}", 7 * place, 7 * place + 6, TokenKind.TEXT, -0.01 * place)
        for place in range(tokens)
    ]
    weights = np.full((64, tokens, tokens), 1 / tokens, np.float32)[number % 64]
    shown = Attention(tuple(target), tuple(source), weights) if attention else None
    text = " ".join(token.text for token in target)
    hypothesis = Hypothesis(text, -1.5 * number, tuple(target), FinishReason.END, shown)
    return TextResult(tuple(source), (hypothesis,))


def measure(count: int, tokens: int, *, attention: bool) -> None:
    """Fills a cache, asks it, and prints a row of a table."""
    cache = AnswerCache(2**40, Metrics().cache)
    cache.keep_versions([VERSION])
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(count):
        key = AnswerKey(VERSION, f"text {number}" * 10, GenerateOptions())
        cache.put(key, answer_of(number, tokens, attention=attention))
    traced = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    result = answer_of(0, tokens, attention=attention)
    key = AnswerKey(VERSION, "text 0" * 10, GenerateOptions())
    put_us = 1e6 * _seconds_of(lambda: cache.put(key, result))
    get_us = 1e6 * _seconds_of(lambda: cache.get(key))
    name = "with attention" if attention else "without"
    print(
        f"| {name} | {cache.size_bytes / count:,.0f} | {traced / cache.size_bytes:.2f} "
        f"| {put_us:.0f} | {get_us:.1f} |"
    )


def _seconds_of(action: Callable[[], object], rounds: int = 2000) -> float:
    began = time.perf_counter()
    for _ in range(rounds):
        action()
    return (time.perf_counter() - began) / rounds


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=20, help="of each text and output (20)")
    parser.add_argument("--answers", type=int, default=2000, help="answers kept (2000)")
    arguments = parser.parse_args()
    print("| attention | bytes an answer | traced / counted | put, µs | get, µs |")
    print("|---|---|---|---|---|")
    for attention in (False, True):
        measure(arguments.answers, arguments.tokens, attention=attention)


if __name__ == "__main__":
    main()
