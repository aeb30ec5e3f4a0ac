"""Ratios and amounts of work of the benchmark of decoding."""

from __future__ import annotations

import pytest

from benchmarks.decoding.cases import CTRANSLATE2_PRECISIONS, Engine, EngineName
from benchmarks.decoding.measuring import rotated
from benchmarks.decoding.ratios import batches_for, fastest, ratio_of_rounds


def test_a_ratio_is_the_median_of_the_rounds_with_the_lowest_and_the_highest() -> None:
    ratio = ratio_of_rounds([20.0, 30.0, 10.0], [10.0, 10.0, 10.0])
    assert (ratio.low, ratio.median, ratio.high) == (1.0, 2.0, 3.0)
    assert str(ratio) == "2.00 (1.00–3.00)"


def test_a_slow_moment_that_both_share_does_not_count() -> None:
    ratio = ratio_of_rounds([20.0, 2.0, 20.0], [10.0, 1.0, 10.0])
    assert ratio.low == ratio.high == 2.0


@pytest.mark.parametrize(
    ("own", "other", "problem"),
    [
        ([], [], "0 rounds beside 0"),
        ([1.0], [1.0, 2.0], "1 rounds beside 2"),
        ([1.0], [0.0], "not above 0"),
        ([float("nan")], [1.0], "not above 0"),
    ],
)
def test_what_is_no_series_of_speeds_is_refused(
    own: list[float], other: list[float], problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        ratio_of_rounds(own, other)


def test_the_fastest_is_chosen_over_cases_of_very_different_speed() -> None:
    assert fastest({"even": [100.0, 1000.0], "lopsided": [30.0, 1500.0]}) == "even"
    with pytest.raises(ValueError, match="nobody"):
        fastest({})


@pytest.mark.parametrize(
    ("measured_s", "batches"), [(0.1, 20), (0.15, 14), (5.0, 2), (0.001, 2000)]
)
def test_a_measurement_takes_its_time_in_whole_turns_of_the_streams(
    measured_s: float, batches: int
) -> None:
    assert batches_for(1.0, measured_s=measured_s / 2, measured_batches=1, streams=2) == batches


def test_another_engine_begins_in_every_round() -> None:
    engines = [Engine(EngineName.CTRANSLATE2, each) for each in CTRANSLATE2_PRECISIONS]
    assert rotated(engines, 0) == engines
    assert rotated(engines, 1) == engines[::-1]
    assert rotated(engines, 2) == engines
