from __future__ import annotations

import pytest

from service.security.rates import TokenBucket


def test_a_second_s_worth_may_come_at_once_and_then_the_rate() -> None:
    bucket = TokenBucket(4.0, now_s=0.0)
    assert [bucket.take(1, 0.0) for _ in range(5)] == [0.0] * 4 + [0.25]
    assert bucket.take(1, 0.25) == 0.0
    assert bucket.take(1, 0.25) == 0.25


def test_the_pause_that_is_named_is_enough() -> None:
    bucket = TokenBucket(0.5, now_s=10.0)
    assert bucket.take(1, 10.0) == 0.0
    pause_s = bucket.take(1, 10.5)
    assert pause_s == pytest.approx(1.5)
    assert bucket.take(1, 10.5 + pause_s) == 0.0


def test_more_than_a_burst_passes_once_and_is_paid_off() -> None:
    bucket = TokenBucket(10.0, now_s=0.0)
    assert bucket.take(50, 0.0) == 0.0
    assert bucket.take(1, 1.0) == pytest.approx(3.1)
    assert bucket.take(1, 4.1) == 0.0


def test_what_is_not_used_does_not_add_up_beyond_a_second() -> None:
    bucket = TokenBucket(2.0, now_s=0.0)
    assert [bucket.take(1, 1000.0) for _ in range(3)] == [0.0, 0.0, 0.5]


def test_a_clock_that_goes_back_gives_nothing_and_takes_nothing() -> None:
    bucket = TokenBucket(1.0, now_s=100.0)
    assert bucket.take(1, 100.0) == 0.0
    assert bucket.take(1, 50.0) == 1.0
    assert bucket.take(1, 101.0) == 0.0
