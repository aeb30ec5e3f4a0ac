from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from service.errors import ModelAnswerError
from service.pipeline.row_outputs import read_hypotheses, read_score
from tests.support.stub_model_server import echo_contract


def greedy_row(**changes: Any) -> dict[str, Any]:
    """Two hypotheses of lengths 2 and 1 in a batch whose longest row has 3, source 2 of 4."""
    outputs: dict[str, Any] = {
        "tokens": np.array([[5, 3, 0], [6, 0, 0]], np.int32),
        "lengths": np.array([2, 1], np.int32),
        "scores": np.array([-1.0, -2.0], np.float32),
        "token_scores": np.array([[-0.25, -0.75, 0], [-2, 0, 0]], np.float32),
        "attention": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    }
    return {**outputs, **changes}


def score_row(**changes: Any) -> dict[str, Any]:
    outputs: dict[str, Any] = {
        "scores": np.float32(-1.5),
        "token_scores": np.array([-1.0, -0.5, 0], np.float32),
        "attention": np.arange(12, dtype=np.float32).reshape(3, 4),
        "attention_heads": np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4),
    }
    return {**outputs, **changes}


def test_hypotheses_are_trimmed_to_their_own_lengths() -> None:
    first, second = read_hypotheses(greedy_row(), 2)
    assert (first.token_ids, first.score) == ((5, 3), -1.0)
    assert first.token_scores.tolist() == [-0.25, -0.75]
    assert first.attention is not None
    assert first.attention.tolist() == [[0, 1], [4, 5]]
    assert second.token_ids == (6,)
    assert second.attention is not None
    assert second.attention.tolist() == [[12, 13]]


def test_attention_is_missing_when_it_was_not_asked_for() -> None:
    row = greedy_row()
    del row["attention"]
    assert read_hypotheses(row, 2)[0].attention is None


def test_what_padding_holds_does_not_matter() -> None:
    row = greedy_row()
    row["token_scores"][:, 2] = np.nan
    row["attention"][:, 2] = np.nan
    row["attention"][:, :, 2:] = np.inf
    read_hypotheses(row, 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tokens": np.zeros((0, 3), np.int32)}, "no output"),
        ({"lengths": np.array([0, 1])}, "an output of length 0"),
        ({"lengths": np.array([4, 1])}, "an output of length 4"),
        ({"lengths": np.array([2])}, r"'lengths' has shape \[1\] .* at least \[2\]"),
        ({"scores": np.array([np.nan, 0])}, "'scores' holds NaN"),
        ({"token_scores": np.full((2, 3), -np.inf)}, "'token_scores' holds NaN or infinity"),
        ({"token_scores": np.zeros((2, 2))}, "'token_scores' has shape"),
        ({"attention": np.zeros((2, 3, 1))}, "'attention' has shape"),
        ({"attention": np.full((2, 3, 4), np.nan)}, "'attention' holds NaN"),
    ],
)
def test_a_row_that_breaks_the_contract_says_how(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelAnswerError, match=message):
        read_hypotheses(greedy_row(**changes), 2)


def test_scores_are_trimmed_and_heads_named() -> None:
    score = read_score(score_row(), target_length=2, source_length=3, contract=echo_contract())
    assert score.score == -1.5
    assert score.token_scores.tolist() == [-1.0, -0.5]
    assert score.attention is not None
    assert score.attention.tolist() == [[0, 1, 2], [4, 5, 6]]
    assert [(head.layer_index, head.head_index) for head in score.heads] == [(0, 0), (0, 1)]
    assert score.heads[1].weights.tolist() == [[12, 13, 14], [16, 17, 18]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": np.float32(np.nan)}, "'scores' holds NaN"),
        ({"token_scores": np.zeros(1)}, "'token_scores' has shape"),
        ({"attention_heads": np.zeros((1, 1, 3, 4))}, "'attention_heads' has shape"),
        ({"attention_heads": np.full((1, 2, 3, 4), np.nan)}, "'attention_heads' holds NaN"),
    ],
)
def test_a_score_that_breaks_the_contract_says_how(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelAnswerError, match=message):
        read_score(score_row(**changes), target_length=2, source_length=3, contract=echo_contract())


def test_a_beam_may_have_fewer_outputs_than_hypotheses() -> None:
    row = greedy_row(lengths=np.array([2, 0], np.int32), ranks=np.array([-0.5, -3e38], np.float32))
    (only,) = read_hypotheses(row, 2)
    assert only.rank == -0.5


def test_no_more_hypotheses_are_read_than_are_wanted() -> None:
    (first,) = read_hypotheses(greedy_row(), 2, most=1)
    assert first.token_ids == (5, 3)
    assert first.rank is None
