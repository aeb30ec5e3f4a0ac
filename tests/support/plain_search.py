"""Searches that a person can read: Python lists, one row, the model asked for whole targets."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

PAD, BEGIN, END = 0, 2, 3
LEAST_COVERAGE = 0.01

NextToken = Callable[[tuple[int, ...]], tuple[np.ndarray, np.ndarray]]
"""From the tokens so far to log-probabilities [V] and attention [S]."""


@dataclass(frozen=True)
class PlainOptions:
    """Options of one row."""

    max_length: int
    min_length: int = 0
    prefix: tuple[int, ...] = ()
    length_penalty: float = 0.0
    coverage_penalty: float = 0.0
    no_repeat_ngram: int = 0


@dataclass(frozen=True)
class PlainHypothesis:
    """A finished hypothesis."""

    tokens: tuple[int, ...]
    score: float
    rank: float


def next_token_of(
    model: Callable[..., Any], tokens: Sequence[int], layers: Sequence[int]
) -> NextToken:
    """A `Seq2Seq` asked with a whole target each time, and no state kept."""
    import tensorflow as tf

    call = _graph_of(model)

    @functools.cache
    def next_token(target: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        output = call(
            tf.constant([tokens]), tf.constant([len(tokens)]), tf.constant([[BEGIN, *target]])
        )
        logits = output.logits.numpy()[0, -1].astype(np.float64)
        heads = output.attention_heads.numpy()[0][list(layers)]
        return logits - np.log(np.sum(np.exp(logits))), heads[:, :, -1].mean(axis=(0, 1))

    return next_token


@functools.cache
def _graph_of(model: Callable[..., Any]) -> Callable[..., Any]:
    """The model as a graph, only because that is faster."""
    import tensorflow as tf

    def call(tokens: tf.Tensor, lengths: tf.Tensor, target_inputs: tf.Tensor) -> Any:
        return model({"tokens": tokens, "lengths": lengths, "target_inputs": target_inputs})

    ids, rows = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)
    return tf.function(call, input_signature=[ids, rows, ids], autograph=False)


def rank(next_token: NextToken, target: tuple[int, ...], options: PlainOptions) -> PlainHypothesis:
    """Score and penalised score of a target."""
    score, coverage = 0.0, np.zeros(1)
    for place, token in enumerate(target):
        log_probabilities, attention = next_token(target[:place])
        score += float(log_probabilities[token])
        coverage = coverage + attention
    penalty = float(np.log(np.clip(coverage, LEAST_COVERAGE, 1.0)).sum())
    divisor = ((5 + len(target)) / 6) ** options.length_penalty
    return PlainHypothesis(target, score, score / divisor + options.coverage_penalty * penalty)


def all_outputs(next_token: NextToken, options: PlainOptions) -> list[PlainHypothesis]:
    """Every output that the options allow, highest rank first."""
    finished: list[PlainHypothesis] = []
    open_targets: list[tuple[int, ...]] = [()]
    while open_targets:
        extended = [
            (*target, token)
            for target in open_targets
            for token in choosable(target, options, len(next_token(())[0]))
        ]
        open_targets = [target for target in extended if not _is_finished(target, options)]
        finished += [
            rank(next_token, target, options)
            for target in extended
            if _is_finished(target, options)
        ]
    return sorted(finished, key=lambda hypothesis: -hypothesis.rank)


def plain_beam(
    next_token: NextToken, options: PlainOptions, beam_width: int
) -> list[PlainHypothesis]:
    """Beam search as its docstring says it, with lists."""
    open_targets: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    finished: list[PlainHypothesis] = []
    for _ in range(options.max_length):
        candidates = [
            (score + float(next_token(target)[0][token]), (*target, token))
            for score, target in open_targets
            for token in choosable(target, options, len(next_token(())[0]))
        ]
        candidates.sort(key=lambda candidate: -candidate[0])
        for _, target in candidates[:beam_width]:
            if _is_finished(target, options):
                finished.append(rank(next_token, target, options))
        finished = sorted(finished, key=lambda hypothesis: -hypothesis.rank)[:beam_width]
        going_on = [(s, target) for s, target in candidates if not _is_finished(target, options)]
        open_targets = going_on[:beam_width]
        worst = finished[-1].rank if len(finished) == beam_width else -math.inf
        largest = ((5 + options.max_length) / 6) ** options.length_penalty
        if not open_targets or worst >= open_targets[0][0] / largest:
            break
    return finished


def choosable(target: tuple[int, ...], options: PlainOptions, vocabulary_size: int) -> list[int]:
    """The tokens that may follow."""
    if len(target) < len(options.prefix):
        return [options.prefix[len(target)]]
    ordinary = [token for token in range(vocabulary_size) if token not in (PAD, BEGIN)]
    if len(target) < options.min_length:
        ordinary.remove(END)
    left = [token for token in ordinary if not repeats((*target, token), options.no_repeat_ngram)]
    return left or [END]


def repeats(target: tuple[int, ...], n: int) -> bool:
    """Whether the last n tokens stand in the target before."""
    last = target[len(target) - n :]
    earlier = [target[place : place + n] for place in range(len(target) - n)]
    return n > 0 and len(target) > n - 1 and last in earlier


def _is_finished(target: tuple[int, ...], options: PlainOptions) -> bool:
    return target[-1] == END or len(target) >= options.max_length
