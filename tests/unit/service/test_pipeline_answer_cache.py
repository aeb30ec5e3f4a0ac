"""Answers that are kept: never more than the limit, and the ones asked for last."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from service.domain.answers import (
    Attention,
    AttentionHead,
    FinishReason,
    Hypothesis,
    TextResult,
    Token,
    TokenKind,
)
from service.domain.models import VersionKey
from service.domain.requests import GenerateOptions
from service.metrics import Metrics
from service.pipeline.answer_cache import ENTRY_BYTES, AnswerCache, AnswerKey
from service.pipeline.memory_size import memory_size

V1, V2 = VersionKey("m", 1), VersionKey("m", 2)
OPTIONS = GenerateOptions()


def key_of(text: str, version: VersionKey = V1) -> AnswerKey:
    return AnswerKey(version, text, OPTIONS)


def result_of(text: str, *, weights: np.ndarray | None = None) -> TextResult:
    tokens = tuple(
        Token(1000 + place, f"{letter}{letter}", 2 * place, 2 * place + 2, TokenKind.TEXT, -0.1)
        for place, letter in enumerate(text)
    )
    attention = None
    if weights is not None:
        heads = (AttentionHead(0, 0, weights), AttentionHead(0, 1, weights))
        attention = Attention(tokens, tokens, weights, heads)
    hypothesis = Hypothesis(f"{text}!", -1.5, tokens, FinishReason.END, attention)
    return TextResult(tokens, (hypothesis,))


def cache_of(max_bytes: int, *versions: VersionKey) -> AnswerCache:
    cache = AnswerCache(max_bytes, Metrics().cache)
    cache.keep_versions(versions or (V1,))
    return cache


def size_of(text: str) -> int:
    return memory_size(key_of(text), result_of(text)) + ENTRY_BYTES


def test_an_answer_is_found_under_its_own_key_alone() -> None:
    cache = cache_of(100_000, V1, V2)
    cache.put(key_of("a"), result_of("a"))
    assert cache.get(key_of("a")) == result_of("a")
    assert cache.get(key_of("b")) is None
    assert cache.get(key_of("a", V2)) is None
    assert cache.get(AnswerKey(V1, "a", GenerateOptions(max_length=3))) is None


def test_what_was_not_asked_for_longest_leaves_first() -> None:
    cache = cache_of(3 * size_of("aaaa"))
    for text in ("aaaa", "bbbb", "cccc"):
        cache.put(key_of(text), result_of(text))
    assert cache.get(key_of("aaaa")) is not None
    cache.put(key_of("dddd"), result_of("dddd"))
    assert [t for t in ("aaaa", "bbbb", "cccc", "dddd") if cache.get(key_of(t))] == [
        "aaaa",
        "cccc",
        "dddd",
    ]


def test_an_answer_larger_than_the_cache_is_not_kept_and_drives_nothing_out() -> None:
    cache = cache_of(size_of("aaaa"))
    cache.put(key_of("aaaa"), result_of("aaaa"))
    cache.put(key_of("b" * 500), result_of("b" * 500))
    assert len(cache) == 1
    assert cache.get(key_of("aaaa")) is not None


def test_answers_leave_with_their_version_and_late_ones_are_not_kept() -> None:
    cache = cache_of(100_000, V1, V2)
    cache.put(key_of("a"), result_of("a"))
    cache.put(key_of("a", V2), result_of("a"))
    cache.keep_versions([V2])
    assert len(cache) == 1
    cache.put(key_of("b"), result_of("b"))
    assert cache.get(key_of("b")) is None
    cache.keep_versions([])
    assert (len(cache), cache.size_bytes) == (0, 0)


def test_weights_are_cut_loose_from_their_batch_and_cannot_be_changed() -> None:
    batch = np.ones((64, 10, 10), np.float32)
    cache = cache_of(1_000_000)
    cache.put(key_of("a"), result_of("abcdefghij", weights=batch[3]))
    attention = cache.get(key_of("a")).hypotheses[0].attention
    for weights in (attention.weights, *(head.weights for head in attention.heads)):
        assert weights.base is None
        with pytest.raises(ValueError, match="read-only"):
            weights[0, 0] = 2
    assert cache.size_bytes < batch.nbytes


def test_the_size_is_what_python_takes() -> None:
    cache = cache_of(100_000_000)
    random = np.random.default_rng(1)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(400):
            text = "".join(chr(0x4E00 + code) for code in random.integers(0, 5000, 20))
            key = AnswerKey(VersionKey("m", 1), f"{text} {number}", GenerateOptions(max_length=9))
            weights = random.random((20, 20)).astype(np.float32)
            cache.put(key, result_of(text, weights=weights))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert cache.size_bytes == pytest.approx(after - before, rel=0.15)


class AnyUse(RuleBasedStateMachine):
    """The cache beside a list that does the same slowly."""

    texts = st.text("abc", min_size=1, max_size=40)
    versions = st.sampled_from([V1, V2])

    def __init__(self) -> None:
        super().__init__()
        self.limit = 12_000
        self.cache = cache_of(self.limit)
        self.ready = {V1}
        self.kept: list[AnswerKey] = []  # asked for longest ago first

    def size(self, key: AnswerKey) -> int:
        return memory_size(key, result_of(key.question)) + ENTRY_BYTES

    @rule(text=texts, version=versions)
    def put(self, text: str, version: VersionKey) -> None:
        key = key_of(text, version)
        self.cache.put(key, result_of(text))
        if version not in self.ready:
            return
        self.kept = [other for other in self.kept if other != key]
        if self.size(key) > self.limit:
            return
        while sum(map(self.size, self.kept)) + self.size(key) > self.limit:
            self.kept.pop(0)
        self.kept.append(key)

    @rule(text=texts, version=versions)
    def get(self, text: str, version: VersionKey) -> None:
        key = key_of(text, version)
        expected = result_of(text) if key in self.kept else None
        assert self.cache.get(key) == expected
        if key in self.kept:
            self.kept.remove(key)
            self.kept.append(key)

    @rule(ready=st.sets(versions))
    def change_versions(self, ready: set[VersionKey]) -> None:
        self.cache.keep_versions(ready)
        self.ready = ready
        self.kept = [key for key in self.kept if key.version in ready]

    @invariant()
    def the_limit_holds_and_the_sum_is_right(self) -> None:
        assert self.cache.size_bytes == sum(map(self.size, self.kept)) <= self.limit
        assert len(self.cache) == len(self.kept)


TestAnyUse = AnyUse.TestCase
TestAnyUse.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
