"""How attention is spread, head by head."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model_export.evaluation.report.head_statistics import diagonality, entropy, head_statistics


def test_even_attention_has_all_the_entropy_there_can_be() -> None:
    assert entropy(np.full((3, 4), 0.25)) == pytest.approx(1.0)


def test_attention_on_one_token_has_none() -> None:
    assert entropy(np.eye(3)) == pytest.approx(0.0)


def test_entropy_is_the_mean_over_rows() -> None:
    weights = np.array([[0.5, 0.5, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    assert entropy(weights) == pytest.approx((math.log(2) / math.log(4) + 0) / 2)


def test_rows_that_do_not_sum_to_one_count_by_their_shares_and_empty_ones_do_not() -> None:
    weights = np.array([[0.1, 0.1], [0.0, 0.0]])
    assert entropy(weights) == pytest.approx(1.0)
    assert math.isnan(entropy(np.zeros((2, 2))))
    assert math.isnan(entropy(np.ones((2, 1))))


def test_the_diagonal_is_one_and_even_attention_is_zero() -> None:
    assert diagonality(np.eye(5)) == pytest.approx(1.0)
    assert diagonality(np.full((5, 5), 0.2)) == pytest.approx(0.0)
    assert diagonality(np.eye(5)[::-1]) < 0


def test_the_diagonal_of_unequal_lengths_runs_from_corner_to_corner() -> None:
    weights = np.zeros((3, 5))
    weights[[0, 1, 2], [0, 2, 4]] = 1.0
    assert diagonality(weights) == pytest.approx(1.0)


def test_diagonality_by_hand() -> None:
    # distances [[0, 1], [1, 0]]; attention is 0.25 away from it in each row, even attention 0.5
    assert diagonality(np.array([[0.75, 0.25], [0.25, 0.75]])) == pytest.approx(0.5)


@pytest.mark.parametrize("shape", [(1, 4), (4, 1)])
def test_one_token_has_no_diagonal(shape: tuple[int, int]) -> None:
    assert math.isnan(diagonality(np.ones(shape)))


def test_statistics_are_means_over_the_examples_that_tell_something() -> None:
    first = np.stack([np.stack([np.eye(2), np.full((2, 2), 0.5)])])  # [L=1, N=2, T, S]
    second = np.stack([np.stack([np.full((2, 2), 0.5)] * 2)])
    single = np.ones((1, 2, 2, 1))
    found = head_statistics([first, second, single])
    assert found.example_count == 3
    np.testing.assert_allclose(found.entropy, [[0.5, 1.0]])
    np.testing.assert_allclose(found.diagonality, [[0.5, 0.0]])
    np.testing.assert_allclose(found.largest, [[(1 + 0.5 + 1) / 3, (0.5 + 0.5 + 1) / 3]])


def test_without_a_telling_example_a_statistic_is_unknown() -> None:
    found = head_statistics([np.ones((1, 1, 2, 1))], is_diagonal=False)
    assert math.isnan(found.entropy[0, 0])
    assert found.diagonality is None
