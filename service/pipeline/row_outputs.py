"""A row's outputs, trimmed to the row's own lengths and checked. Pure.

Letters: K hypotheses, T target length, S source length, L layers, N heads. A model server may
have padded outputs to the longest row of a batch that it made of several requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heed.contract import ATTENTION_HEADS_OUTPUT, ATTENTION_OUTPUT, RANKS_OUTPUT, Contract
from service.domain.answers import AttentionHead
from service.domain.signatures import Array, FloatArray
from service.errors import ModelAnswerError


@dataclass(frozen=True, slots=True)
class RowHypothesis:
    """One output of a row.

    Attributes:
        token_ids: Its tokens, the end token included if there is one; T of them.
        score: Natural logarithm of its probability.
        token_scores: The same for each token, float32 [T].
        attention: float32 [T, S]; None if not asked for.
        rank: Penalised score; None for what is no beam search.
    """

    token_ids: tuple[int, ...]
    score: float
    token_scores: FloatArray
    attention: FloatArray | None
    rank: float | None = None


def read_hypotheses(
    outputs: Mapping[str, Array], source_length: int, *, most: int | None = None
) -> list[RowHypothesis]:
    """The hypotheses of a row, best first.

    A beam may hold hypotheses of length 0 behind the first: the row has no more outputs.

    Args:
        outputs: `tokens` [K, T], `lengths` [K], `scores` [K], `token_scores` [K, T], `ranks` [K]
            of a beam, and `attention` [K, T, S] if asked for.
        source_length: S of the row.
        most: The most hypotheses wanted, 1 or more; None for all.

    Raises:
        ModelAnswerError: Shapes do not fit together, or a number is not finite.
    """
    hypothesis_count, longest = outputs["tokens"].shape
    if hypothesis_count < 1:
        raise ModelAnswerError("the model answered a text with no output")
    expect_shape(outputs, "lengths", (hypothesis_count,))
    expect_shape(outputs, "scores", (hypothesis_count,))
    expect_shape(outputs, "token_scores", (hypothesis_count, longest))
    if ATTENTION_OUTPUT in outputs:
        expect_shape(outputs, ATTENTION_OUTPUT, (hypothesis_count, longest, source_length))
    if RANKS_OUTPUT in outputs:
        expect_shape(outputs, RANKS_OUTPUT, (hypothesis_count,))
    is_beam = RANKS_OUTPUT in outputs
    return [
        _read_hypothesis(outputs, k, source_length)
        for k in range(hypothesis_count)[:most]
        if k == 0 or not is_beam or outputs["lengths"][k] != 0
    ]


def _read_hypothesis(outputs: Mapping[str, Array], k: int, source_length: int) -> RowHypothesis:
    length = int(outputs["lengths"][k])
    if not 1 <= length <= outputs["tokens"].shape[1]:
        raise ModelAnswerError(f"the model answered with an output of length {length}")
    attention = None
    if ATTENTION_OUTPUT in outputs:
        attention = finite(ATTENTION_OUTPUT, outputs[ATTENTION_OUTPUT][k, :length, :source_length])
    return RowHypothesis(
        token_ids=tuple(outputs["tokens"][k, :length].tolist()),
        score=float(finite("scores", outputs["scores"][k : k + 1])[0]),
        token_scores=finite("token_scores", outputs["token_scores"][k, :length]),
        attention=attention,
        rank=_rank(outputs, k),
    )


def _rank(outputs: Mapping[str, Array], k: int) -> float | None:
    if RANKS_OUTPUT not in outputs:
        return None
    return float(finite(RANKS_OUTPUT, outputs[RANKS_OUTPUT][k : k + 1])[0])


@dataclass(frozen=True, slots=True)
class RowScore:
    """The score of a given target.

    Attributes:
        score: Natural logarithm of its probability.
        token_scores: The same for each token, float32 [T].
        attention: float32 [T, S]; None if not asked for.
        heads: The attention of every head; empty if not asked for.
    """

    score: float
    token_scores: FloatArray
    attention: FloatArray | None
    heads: tuple[AttentionHead, ...]


def read_score(
    outputs: Mapping[str, Array], *, target_length: int, source_length: int, contract: Contract
) -> RowScore:
    """The score of a row.

    Args:
        outputs: `scores` [], `token_scores` [T], and if asked for `attention` [T, S] and
            `attention_heads` [L, N, T, S].
        target_length: T of the row, the end token included.
        source_length: S of the row.
        contract: Names the layers and heads.

    Raises:
        ModelAnswerError: Shapes do not fit together, or a number is not finite.
    """
    expect_shape(outputs, "token_scores", (target_length,))
    attention = None
    if ATTENTION_OUTPUT in outputs:
        expect_shape(outputs, ATTENTION_OUTPUT, (target_length, source_length))
        attention = finite(
            ATTENTION_OUTPUT, outputs[ATTENTION_OUTPUT][:target_length, :source_length]
        )
    return RowScore(
        score=float(finite("scores", np.atleast_1d(outputs["scores"]))[0]),
        token_scores=finite("token_scores", outputs["token_scores"][:target_length]),
        attention=attention,
        heads=_read_heads(outputs, (target_length, source_length), contract),
    )


def _read_heads(
    outputs: Mapping[str, Array], form: tuple[int, int], contract: Contract
) -> tuple[AttentionHead, ...]:
    if ATTENTION_HEADS_OUTPUT not in outputs:
        return ()
    most_heads = max(layer.head_count for layer in contract.attention)
    expect_shape(outputs, ATTENTION_HEADS_OUTPUT, (len(contract.attention), most_heads, *form))
    weights = outputs[ATTENTION_HEADS_OUTPUT][:, :, : form[0], : form[1]]
    return tuple(
        AttentionHead(
            layer.layer_index, head, finite(ATTENTION_HEADS_OUTPUT, weights[position, head])
        )
        for position, layer in enumerate(contract.attention)
        for head in range(layer.head_count)
    )


def expect_shape(outputs: Mapping[str, Array], name: str, at_least: tuple[int, ...]) -> None:
    """Checks that an output is at least so large; padding beyond is cut off later.

    Raises:
        ModelAnswerError: It is smaller.
    """
    shape = outputs[name].shape
    if any(size < expected for size, expected in zip(shape, at_least, strict=True)):
        raise ModelAnswerError(
            f"the model's output {name!r} has shape {list(shape)} for a row, "
            f"expected at least {list(at_least)}"
        )


def finite(name: str, values: Array) -> FloatArray:
    """The values of an output.

    Raises:
        ModelAnswerError: One is NaN or infinite.
    """
    if not np.isfinite(values).all():
        raise ModelAnswerError(f"the model's output {name!r} holds NaN or infinity")
    return values
