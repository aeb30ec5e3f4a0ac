import dataclasses

import pytest

from service.batching.sending import AT_ONCE, Prospect, when_to_send

RUSH = Prospect(
    rows=2,
    is_full=False,
    oldest_arrival=10.0,
    last_arrival=10.0005,
    rows_per_s=1000.0,
    batch_s=0.02,
)


def test_rows_wait_while_more_come_during_a_batch_than_wait_now() -> None:
    assert when_to_send(RUSH, max_wait_s=0.05) == pytest.approx(10.0025)


def test_no_row_waits_longer_than_the_bound() -> None:
    assert when_to_send(RUSH, max_wait_s=0.001) == pytest.approx(10.001)


@pytest.mark.parametrize(
    "changes",
    [
        {"rows_per_s": 0.0},
        {"rows_per_s": 149.0},
        {"rows": 20},
        {"is_full": True},
        {"batch_s": None},
    ],
    ids=["nobody else comes", "few come", "enough wait", "the batch is full", "nothing is known"],
)
def test_rows_leave_at_once_where_waiting_gains_nothing(changes: dict[str, object]) -> None:
    assert when_to_send(dataclasses.replace(RUSH, **changes), max_wait_s=0.05) == AT_ONCE


def test_a_wait_of_zero_is_none() -> None:
    assert when_to_send(RUSH, max_wait_s=0.0) == AT_ONCE
