import pytest

from service.batching.under_way import UnderWay

AT_ONCE = float("-inf")


def test_the_next_batch_is_wanted_shortly_before_one_ends() -> None:
    under_way = UnderWay()
    under_way.began("a", 10.0, seconds=0.1, worked_on=1)
    assert under_way.next_wanted_at(1) == pytest.approx(10.08)
    assert under_way.next_wanted_at(2) == AT_ONCE, "a worker is free"


def test_a_batch_that_lies_ready_begins_when_another_ends() -> None:
    under_way = UnderWay()
    under_way.began("a", 10.0, seconds=0.1, worked_on=1)
    under_way.began("b", 10.05, seconds=0.2, worked_on=1)
    under_way.ended("a", 10.1)
    assert under_way.next_wanted_at(1) == pytest.approx(10.26)
    under_way.ended("b", 10.3)
    assert not under_way
    assert under_way.next_wanted_at(1) == AT_ONCE


def test_without_knowledge_a_batch_is_wanted_at_once() -> None:
    under_way = UnderWay()
    under_way.began("a", 10.0, seconds=None, worked_on=1)
    assert under_way.next_wanted_at(1) == AT_ONCE


def test_short_batches_still_have_time_for_the_way() -> None:
    under_way = UnderWay()
    under_way.began("a", 10.0, seconds=0.004, worked_on=1)
    assert under_way.next_wanted_at(1) == pytest.approx(10.002)
