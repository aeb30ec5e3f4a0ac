from dataclasses import dataclass

import pytest

from loadtest.errors import LoadTestError
from loadtest.search import Steps, agreement, find_highest_rate, first_that_holds


@dataclass(frozen=True)
class Attempt:
    rate: float
    is_met: bool


@pytest.mark.parametrize("capacity", [3.0, 90.0, 100.0, 137.0, 5000.0])
def test_the_search_ends_just_below_what_is_carried(capacity: float) -> None:
    found = find_highest_rate(lambda rate: Attempt(rate, rate <= capacity), first_rate=100)
    assert capacity / 1.07 <= found.rate <= capacity
    assert len(found.trials) <= 12


def test_a_search_that_begins_at_the_answer_is_short() -> None:
    found = find_highest_rate(lambda rate: Attempt(rate, rate <= 102), first_rate=100)
    assert found.rate == pytest.approx(100, rel=0.06)
    assert len(found.trials) <= 6


def test_nothing_carried_is_a_rate_of_nothing_after_all_trials() -> None:
    steps = Steps(most=5)
    found = find_highest_rate(lambda rate: Attempt(rate, False), first_rate=100, steps=steps)
    assert found.rate == 0
    assert len(found.trials) == 5


def test_trials_are_kept_in_their_order() -> None:
    found = find_highest_rate(lambda rate: Attempt(rate, rate <= 150), first_rate=100)
    assert [trial.rate for trial in found.trials[:3]] == pytest.approx([100, 130, 130 * 1.69])


def test_a_search_cannot_begin_at_nothing() -> None:
    with pytest.raises(LoadTestError, match="cannot begin at 0"):
        find_highest_rate(lambda rate: Attempt(rate, True), first_rate=0)


@pytest.mark.parametrize("steps", [{"first": 1.0}, {"precision": 0}, {"most": 0}])
def test_steps_that_lead_nowhere_are_refused(steps: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="steps need"):
        Steps(**steps)  # type: ignore[arg-type]


def test_a_rate_that_fails_for_longer_gives_way_to_a_lower_one() -> None:
    found = first_that_holds(lambda rate: Attempt(rate, rate <= 95), rate=100)
    assert found.rate == pytest.approx(100 / 1.06)
    assert [trial.is_met for trial in found.trials] == [False, True]


def test_a_rate_that_holds_is_measured_once() -> None:
    assert first_that_holds(lambda rate: Attempt(rate, True), rate=100).rate == 100


def test_no_rate_that_holds_is_a_rate_of_nothing() -> None:
    found = first_that_holds(lambda rate: Attempt(rate, False), rate=100, steps=Steps(most=3))
    assert found.rate == 0
    assert len(found.trials) == 3


def test_agreement_is_the_gap_as_a_share_of_the_highest() -> None:
    assert agreement([90.0, 100.0]) == pytest.approx(0.1)
    assert agreement([100.0]) == 0
    assert agreement([0.0, 0.0]) == 1.0
