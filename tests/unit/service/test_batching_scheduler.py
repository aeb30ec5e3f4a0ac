"""The scheduler, driven by hand: the time is what the test says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.batching.observer import NoObserver
from service.batching.policy import BatchLimits
from service.batching.rules import SchedulingRules, scheduling_rules
from service.batching.scheduler import Batch, BatchScheduler
from service.errors import (
    DeadlineOutOfReachError,
    DeadlinePassedError,
    QueueFullError,
    ServiceError,
)
from service.settings.batching import BatchingSettings


@dataclass(eq=False)
class Row:
    length: int = 4
    arrival: float = 0.0
    deadline: float | None = None
    is_bulk: bool = False
    target: str = "m"
    model: str = "m"
    is_gone: bool = False
    max_rows: int | None = None


class Counts(NoObserver):
    """Remembers what the scheduler tells."""

    def __init__(self) -> None:
        self.dropped_rows: dict[str, int] = {}
        self.waiting = (0, 0)
        self.batches: list[tuple[int, int, int]] = []
        self.ended: list[bool] = []

    def queue(self, *, tokens: int, rows: int) -> None:
        self.waiting = tokens, rows

    def dropped(self, reason: str, rows: int = 1) -> None:
        self.dropped_rows[reason] = self.dropped_rows.get(reason, 0) + rows

    def batch_sent(
        self, *, model: str, rows: int, tokens: int, padded_tokens: int, max_tokens: int
    ) -> None:
        self.batches.append((rows, tokens, padded_tokens))

    def batch_ended(self, *, model: str, seconds: float, is_ok: bool) -> None:
        self.ended.append(is_ok)


RULES = SchedulingRules(
    BatchLimits(max_tokens=40, max_rows=8), max_queue_tokens=1000, max_in_flight=2, max_wait_s=0.01
)


class Driver:
    """A scheduler and what it said of rows that are late."""

    def __init__(self, rules: SchedulingRules = RULES, replicas: int = 1) -> None:
        self.late: list[tuple[Row, ServiceError]] = []
        self.counts = Counts()
        self.scheduler: BatchScheduler[Row] = BatchScheduler(
            rules,
            on_late=lambda row, error: self.late.append((row, error)),
            replica_count=lambda _: replicas,
            observer=self.counts,
        )

    def send(self, now: float, *rows: Row) -> list[Batch[Row]]:
        if rows:
            self.scheduler.admit(rows, now)
        batches = []
        while batch := self.scheduler.next_batch(now):
            batches.append(batch)
        return batches

    def teach(self, *, batch_s: float, until: float, length: int = 4) -> float:
        """Lone batches that take so long each, up to a time."""
        now = 0.0
        while now < until:
            (batch,) = self.send(now, Row(length, now))
            now += batch_s
            self.scheduler.ended(batch, now, is_answered=True)
        return now


def rows_of(batches: Sequence[Batch[Row]]) -> list[int]:
    return [len(batch.rows) for batch in batches]


def test_a_lone_row_leaves_at_once_also_while_the_model_server_is_known() -> None:
    driver = Driver()
    now = driver.teach(batch_s=0.05, until=2.0)
    assert rows_of(driver.send(now, Row(arrival=now))) == [1]
    assert driver.scheduler.wake_at is None


def test_rows_that_come_quickly_wait_for_each_other_within_the_bound() -> None:
    driver = Driver()
    now = driver.teach(batch_s=0.05, until=1.0)
    waits = []
    for _ in range(12):
        now += 0.001
        sent = driver.send(now, Row(arrival=now))
        if not sent and driver.scheduler.wake_at is not None:
            waits.append(driver.scheduler.wake_at - now)
        for batch in sent:
            driver.scheduler.ended(batch, now + 0.0001, is_answered=True)
    assert waits
    assert max(waits) <= RULES.max_wait_s + 1e-9


def test_no_more_batches_are_in_flight_than_allowed() -> None:
    driver = Driver()
    batches = driver.send(0.0, *(Row(40) for _ in range(5)))
    assert len(batches) == 2
    driver.scheduler.ended(batches[0], 1.0, is_answered=True)
    assert len(driver.send(1.0)) == 1


def test_replicas_add_up() -> None:
    assert len(Driver(replicas=3).send(0.0, *(Row(40) for _ in range(10)))) == 6


def test_all_models_together_keep_the_bound_of_the_model_server() -> None:
    rows = [Row(40, 0.0, target=name, model=name) for name in "abcd" for _ in range(3)]
    driver = Driver()
    for row in rows:
        driver.scheduler.admit([row], 0.0)
    assert len(driver.send(0.0)) == 2


def test_a_row_is_dropped_before_it_costs_the_model_anything() -> None:
    driver = Driver()
    now = driver.teach(batch_s=0.1, until=2.0, length=12)
    first = driver.send(now, Row(arrival=now))
    passed = Row(arrival=now, deadline=now + 0.01)
    hopeless = Row(arrival=now, deadline=now + 0.25)
    fine = Row(arrival=now, deadline=now + 9.0)
    for row in (passed, hopeless, fine):
        driver.scheduler.admit([row], now, is_admitted=True)
    (batch,) = driver.send(now + 0.2)
    assert batch.rows == [fine]
    assert [(row, type(error)) for row, error in driver.late] == [
        (passed, DeadlinePassedError),
        (hopeless, DeadlineOutOfReachError),
    ]
    assert driver.counts.dropped_rows == {"deadline": 2}
    assert first


def test_a_call_whose_deadline_is_out_of_reach_is_refused_at_once() -> None:
    driver = Driver()
    now = driver.teach(batch_s=0.1, until=2.0, length=40)
    driver.send(now, *(Row(4, now) for _ in range(100)))
    with pytest.raises(DeadlineOutOfReachError) as refused:
        driver.scheduler.admit([Row(arrival=now, deadline=now + 0.5)], now)
    assert refused.value.retry_after_s > 0.05
    driver.scheduler.admit([Row(arrival=now, deadline=now + 60.0)], now)


def test_an_idle_model_server_is_asked_whatever_was_learnt() -> None:
    driver = Driver()
    now = driver.teach(batch_s=10.0, until=100.0)
    assert rows_of(driver.send(now, Row(arrival=now, deadline=now + 0.1))) == [1]
    assert not driver.late


def test_nothing_is_refused_for_its_deadline_before_there_is_evidence() -> None:
    driver = Driver()
    driver.send(0.0, *(Row() for _ in range(100)))
    driver.scheduler.admit([Row(deadline=0.001)], 0.0)


def test_other_models_do_not_put_a_deadline_out_of_reach() -> None:
    driver = Driver()
    now = driver.teach(batch_s=0.5, until=10.0)
    driver.send(now, *(Row(4, now) for _ in range(200)))
    quiet = Row(arrival=now, deadline=now + 0.3, target="quiet", model="quiet")
    driver.scheduler.admit([quiet], now)


def test_a_refused_call_leaves_nothing_behind() -> None:
    driver = Driver()
    driver.send(0.0, *(Row(40) for _ in range(20)))
    waiting = driver.scheduler.waiting_tokens
    with pytest.raises(QueueFullError):
        driver.scheduler.admit([Row(400), Row(400)], 0.0)
    assert driver.scheduler.waiting_tokens == waiting == driver.counts.waiting[0]


def test_a_caller_who_leaves_is_counted_once() -> None:
    driver = Driver()
    driver.send(0.0, *(Row(40) for _ in range(2)))
    row = Row(40)
    driver.scheduler.admit([row], 0.0)
    driver.scheduler.leave(row)
    driver.scheduler.leave(row)
    assert driver.counts.dropped_rows == {"cancelled": 1}
    assert driver.counts.waiting == (0, 0)


def test_failed_batches_teach_nothing() -> None:
    driver = Driver()
    for step in range(20):
        (batch,) = driver.send(float(step), Row(arrival=float(step)))
        driver.scheduler.ended(batch, step + 0.001, is_answered=False)
    assert driver.scheduler.free_at(driver.send(50.0, Row(arrival=50.0))[0]) == 51.0
    assert driver.counts.ended == [False] * 20


def test_an_abandoned_batch_keeps_its_place_as_long_as_it_would_have_taken() -> None:
    driver = Driver()
    now = driver.teach(batch_s=0.2, until=3.0)
    (batch,) = driver.send(now, Row(arrival=now))
    assert driver.scheduler.free_at(batch) == pytest.approx(now + 0.2)


def test_a_clock_that_jumps_ahead_harms_nothing() -> None:
    driver = Driver()
    now = driver.teach(batch_s=0.1, until=2.0)
    batches = driver.send(now, *(Row(40, now) for _ in range(4)))
    now += 1e6  # the machine slept
    for batch in batches:
        driver.scheduler.ended(batch, now, is_answered=True)
    assert driver.send(now)
    driver.scheduler.admit([Row(4, now, deadline=now + 10.0)], now)


def test_many_versions_leave_no_trace() -> None:
    driver = Driver()
    for number in range(3000):
        name = f"m/{number}"
        (batch,) = driver.send(number * 1.0, Row(arrival=number * 1.0, target=name, model=name))
        driver.scheduler.ended(batch, number + 0.5, is_answered=True)
    tables = [
        vars(table)["_entries"]
        for table in vars(driver.scheduler).values()
        if "_entries" in dir(table)
    ]
    assert tables
    assert all(len(table) <= 256 for table in tables)
    assert not vars(driver.scheduler)["_under_way"]


def test_settings_become_rules() -> None:
    settings = BatchingSettings(
        max_batch_tokens=7, max_batch_wait_ms=3, max_bulk_queue_share=0.25, max_bulk_delay_s=4
    )
    rules = scheduling_rules(settings)
    assert (rules.limits.max_tokens, rules.max_wait_s) == (7, 0.003)
    assert (rules.bulk_queue_share, rules.bulk_delay_s) == (0.25, 4.0)
    assert scheduling_rules(BatchingSettings()) == SchedulingRules(BatchLimits(4096, 128))


@given(
    calls=st.lists(
        st.tuples(
            st.floats(0.0, 0.1),
            st.lists(st.integers(1, 60), min_size=1, max_size=12),
            st.booleans(),
            st.one_of(st.none(), st.floats(0.0, 1.0)),
        ),
        max_size=40,
    ),
    batch_s=st.floats(0.0, 0.5),
)
def test_every_row_leaves_once_is_late_or_was_refused(
    calls: list[tuple[float, list[int], bool, float | None]], batch_s: float
) -> None:
    driver, now = Driver(), 0.0
    admitted: list[Row] = []
    sent: list[Row] = []
    under_way: list[tuple[float, Batch[Row]]] = []

    def go_on() -> None:
        for batch in driver.send(now):
            sent.extend(batch.rows)
            under_way.append((now + batch_s, batch))

    def end_until(time: float) -> None:
        nonlocal now
        while under_way and under_way[0][0] <= time:
            ends_at, batch = under_way.pop(0)
            now = max(now, ends_at)
            driver.scheduler.ended(batch, now, is_answered=True)
            go_on()

    for gap, lengths, is_bulk, time_left in calls:
        end_until(now + gap)
        now += gap
        deadline = None if time_left is None else now + time_left
        rows = [Row(length, now, deadline, is_bulk) for length in lengths]
        try:
            driver.scheduler.admit(rows, now)
            admitted.extend(rows)
        except (QueueFullError, DeadlineOutOfReachError):
            pass
        go_on()
    for _ in range(1000):
        end_until(float("inf"))
        if driver.scheduler.wake_at is None:
            break
        now = driver.scheduler.wake_at
        go_on()
    late = [row for row, _ in driver.late]
    assert sorted(map(id, sent + late)) == sorted(map(id, admitted))
    assert driver.scheduler.waiting_tokens == 0
    assert driver.scheduler.batches_in_flight == 0
