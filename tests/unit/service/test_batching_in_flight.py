"""The limit meets model servers of known kinds, one batch after the other."""

from __future__ import annotations

import heapq
from random import Random

import pytest

from service.batching.batch_time import BatchSize
from service.batching.in_flight import EndedBatch, InFlightLimit, InFlightMeter

SIZE = BatchSize(10, 10)


def useful_number(
    *, workers: int, most: int, noise: float = 0.0, batches: int = 4000, replicas: int = 1
) -> int:
    """What the limit says in the end, under load, of servers that work on so many at once each."""
    random = Random(1)
    limit, meter = InFlightLimit(most), InFlightMeter()
    free_at = [0.0] * workers * replicas
    under_way: list[tuple[float, float, float, bool]] = []
    now, said = 0.0, []
    for _ in range(batches):
        while meter.batches < limit.batches * replicas:
            mark = meter.began(now)
            start = max(now, heapq.heappop(free_at))
            batch_s = 0.05 * random.uniform(1 - noise, 1 + noise)
            heapq.heappush(free_at, start + batch_s)
            was_at_limit = meter.batches >= limit.batches * replicas
            heapq.heappush(under_way, (start + batch_s, now, mark, was_at_limit))
        now, sent_at, mark, was_at_limit = heapq.heappop(under_way)
        mean = meter.mean_since(mark, now - sent_at, now) / replicas
        meter.ended(now)
        limit.note(EndedBatch(SIZE, now - sent_at, mean, was_at_limit, replicas), now)
        said.append(limit.batches)
    return max(set(said[-500:]), key=said[-500:].count)


@pytest.mark.parametrize(("workers", "expected"), [(1, 2), (2, 3), (4, 5), (8, 9)])
def test_a_model_server_gets_what_it_works_on_and_one_more(workers: int, expected: int) -> None:
    assert useful_number(workers=workers, most=16) == expected


@pytest.mark.parametrize(("workers", "expected"), [(1, {2}), (2, {3}), (4, {5}), (8, {8, 9, 10})])
def test_times_that_vary_by_half_change_little(workers: int, expected: set[int]) -> None:
    assert useful_number(workers=workers, most=16, noise=0.5) in expected


@pytest.mark.parametrize("replicas", [2, 4, 8])
def test_each_of_several_model_servers_gets_what_one_alone_would_get(replicas: int) -> None:
    assert useful_number(workers=1, most=8, replicas=replicas) == 2
    assert useful_number(workers=2, most=8, replicas=replicas, batches=20_000) == 3


def test_the_bound_holds() -> None:
    assert useful_number(workers=8, most=3) == 3
    assert useful_number(workers=8, most=1) == 1


def test_a_model_server_that_works_on_several_at_once_is_noticed_below_its_limit() -> None:
    limit = InFlightLimit(8)
    for step in range(50):
        limit.note(EndedBatch(SIZE, 0.05, 1.0, was_at_limit=False), step * 1.0)
        limit.note(EndedBatch(SIZE, 0.05, 1.6, was_at_limit=False), step + 0.5)
    assert limit.worked_on == 3, "what was seen and about one more, not all that is allowed"


def test_a_model_server_that_takes_turns_is_noticed_below_its_limit() -> None:
    limit = InFlightLimit(8)
    for step in range(50):
        limit.note(EndedBatch(SIZE, 0.05, 1.0, was_at_limit=False), step * 1.0)
        limit.note(EndedBatch(SIZE, 0.06, 1.2, was_at_limit=False), step + 0.5)
    assert (limit.worked_on, limit.batches) == (1, 2)


def test_a_batch_is_seen_alone_from_time_to_time_and_only_for_a_while() -> None:
    limit = InFlightLimit(4)
    limit.note(EndedBatch(SIZE, 0.05, 2.0, was_at_limit=True), 0.0)
    assert limit.batches == 1, "no batch has been alone so far"
    for step in range(20):  # other models keep the model server busy: none is ever alone
        limit.note(EndedBatch(SIZE, 0.05, 2.0, was_at_limit=True), 0.1 * step)
    assert limit.batches == 2


def test_the_meter_gives_the_average_in_flight() -> None:
    meter = InFlightMeter()
    mark = meter.began(0.0)
    other = meter.began(1.0)
    assert meter.mean_since(other, 1.0, 2.0) == pytest.approx(2.0)
    meter.ended(2.0)
    assert meter.mean_since(mark, 4.0, 4.0) == pytest.approx((1 + 2 + 1 + 1) / 4)
    assert meter.mean_since(mark, 0.0, 4.0) == 1.0
