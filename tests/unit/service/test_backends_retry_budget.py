from __future__ import annotations

from service.backends.replicas.retry_budget import RetryBudget


def test_it_begins_full() -> None:
    budget = RetryBudget(share=0.1, burst=3)
    assert [budget.take() for _ in range(4)] == [True, True, True, False]


def test_repetitions_stay_a_share_of_the_calls_however_many_fail() -> None:
    budget = RetryBudget(share=0.25, burst=2)
    taken = 0
    for _ in range(400):
        budget.note_call()
        taken += budget.take()
    assert taken == 100 + 1  # the share, and what was saved up beyond it


def test_it_saves_no_more_than_the_burst() -> None:
    budget = RetryBudget(share=0.5, burst=4)
    for _ in range(1000):
        budget.note_call()
    assert budget.saved == 4


def test_a_share_of_0_never_repeats() -> None:
    budget = RetryBudget(share=0.0, burst=10)
    budget.note_call()
    assert not budget.take()
