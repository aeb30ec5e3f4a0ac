"""Outputs that differ at a tie are told from those that differ otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from benchmarks.decoding.agreement import Outputs, compare_outputs, equal_share
from benchmarks.decoding.cases import Search

Scores = dict[tuple[int, ...], list[float]]


def scorer(known: Scores) -> object:
    def score(rows: Sequence[int], outputs: Outputs) -> list[list[float]]:
        assert len(rows) == len(outputs)
        return [known[tuple(output)] for output in outputs]

    return score


def never(rows: Sequence[int], outputs: Outputs) -> list[list[float]]:
    raise AssertionError("equal outputs need no scores")


def test_equal_outputs_are_counted_without_asking_the_model() -> None:
    agreement = compare_outputs([[4, 3]], [(4, 3)], search=Search.GREEDY, score=never)
    assert (agreement.compared, agreement.equal, agreement.unexplained) == (1, 1, 0)
    assert str(agreement) == "1 of 1 outputs are equal, token for token"


def test_a_greedy_output_is_judged_at_the_first_token_that_differs() -> None:
    known: Scores = {
        (4, 5, 3): [-0.5, -1.0, -9.0],  # a tie at the second token; what follows does not count
        (4, 6, 7, 3): [-0.5, -1.0004, -0.1, -0.1],
        (8, 3): [-0.2, -0.1],  # no tie: the own token is the more probable one
        (9, 3): [-1.2, -0.1],
    }
    agreement = compare_outputs(
        [[4, 5, 3], [8, 3], [7, 3]],
        [[4, 6, 7, 3], [9, 3], [7, 3]],
        search=Search.GREEDY,
        score=scorer(known),  # type: ignore[arg-type]
    )
    assert (agreement.equal, agreement.ties) == (1, 1)
    assert (agreement.own_better, agreement.other_better) == (1, 0)
    assert agreement.largest_gap == pytest.approx(4e-4)
    assert "1 differ at a tie" in str(agreement)
    assert "1 differ otherwise" in str(agreement)


def test_outputs_of_a_beam_are_judged_by_their_sums() -> None:
    known: Scores = {(4, 3): [-1.0, -2.0], (5, 3): [-2.0, -1.0], (6, 3): [-5.0, -1.0]}
    agreement = compare_outputs(
        [[4, 3], [6, 3]],
        [[5, 3], [4, 3]],
        search=Search.BEAM,
        score=scorer(known),  # type: ignore[arg-type]
    )
    assert (agreement.ties, agreement.own_better, agreement.other_better) == (1, 0, 1)


def test_outputs_that_are_not_as_many_are_refused() -> None:
    with pytest.raises(ValueError, match="1 outputs beside 2"):
        compare_outputs([[3]], [[3], [3]], search=Search.GREEDY, score=never)


def test_the_share_of_equal_outputs() -> None:
    assert equal_share([[4, 3], [5, 3]], [[4, 3], [6, 3]]) == 0.5
