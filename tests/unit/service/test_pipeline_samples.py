"""Several samples of a text: the seeds of its rows, and the way back to its answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.requests import BeamOptions, GenerateOptions, SamplingOptions
from service.pipeline.rows import decoding_inputs
from service.pipeline.samples import by_text, sample_rows, sample_seeds
from service.pipeline.search_limits import MAX_SAMPLES

SEEDS = st.integers(-(2**31), 2**31 - 1)


@given(SEEDS)
def test_samples_have_seeds_of_their_own_and_the_first_is_the_texts(seed: int) -> None:
    seeds = sample_seeds(seed, MAX_SAMPLES)
    assert seeds[0] == seed
    assert len(set(seeds)) == MAX_SAMPLES
    assert all(-(2**31) <= each < 2**31 for each in seeds)


@given(SEEDS, st.integers(1, MAX_SAMPLES))
def test_more_samples_change_none_of_those_before(seed: int, count: int) -> None:
    assert sample_seeds(seed, count) == sample_seeds(seed, MAX_SAMPLES)[:count]


def test_small_seeds_share_no_sample_with_one_another() -> None:
    seeds = [one for seed in range(-500, 500) for one in sample_seeds(seed, MAX_SAMPLES)]
    assert len(set(seeds)) == len(seeds)


def row_of(search: BeamOptions | SamplingOptions | None, text: int) -> dict[str, np.ndarray]:
    return decoding_inputs([text], [], options=GenerateOptions(search=search), longest=9)


def test_rows_and_answers_are_in_the_order_of_their_texts() -> None:
    search = SamplingOptions(seed=5, num_samples=3)
    rows = sample_rows([row_of(search, 7), row_of(search, 8)], search)
    assert [row["tokens"].tolist() for row in rows] == [[7], [7], [7], [8], [8], [8]]
    seeds = [int(row["seed"]) for row in rows]
    assert seeds[:3] == seeds[3:] == sample_seeds(5, 3)
    assert {row["seed"].dtype for row in rows} == {np.dtype(np.int32)}
    assert list(by_text("abcdef", search)) == ["abc", "def"]


def test_texts_without_a_seed_get_other_samples() -> None:
    search = SamplingOptions(num_samples=4)
    rows = sample_rows([row_of(search, 7) for _ in range(5)], search)
    assert len({int(row["seed"]) for row in rows}) == 20


@pytest.mark.parametrize("search", [None, BeamOptions(4, 4), SamplingOptions(seed=3)])
def test_every_other_search_has_one_row_for_each_text(
    search: BeamOptions | SamplingOptions | None,
) -> None:
    rows = [row_of(search, 7), row_of(search, 8)]
    assert sample_rows(rows, search) == rows
    assert list(by_text("ab", search)) == ["a", "b"]
