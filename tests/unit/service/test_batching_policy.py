from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.batching.lines import BUCKET_BOUNDS, bucket_of
from service.batching.policy import BatchLimits, WaitingRows


@dataclass(eq=False)
class Row:
    length: int
    arrival: float = 0.0
    target: str = "model"
    is_gone: bool = False
    is_bulk: bool = False
    model: str = "model"
    max_rows: int | None = None


LIMITS = BatchLimits(max_tokens=40, max_rows=8, max_padding=0.25)


def waiting(*rows: Row, limits: BatchLimits = LIMITS) -> WaitingRows[Row]:
    line: WaitingRows[Row] = WaitingRows(limits)
    for row in rows:
        line.add(row)
    return line


def rows_of(*lengths: int) -> list[Row]:
    return [Row(length, float(index)) for index, length in enumerate(lengths)]


def test_no_rows_make_no_batch() -> None:
    line = waiting()
    assert not line
    assert line.take_batch() == []


def test_buckets_end_at_their_bounds() -> None:
    assert [bucket_of(bound) for bound in BUCKET_BOUNDS] == list(range(len(BUCKET_BOUNDS)))
    assert [bucket_of(bound + 1) for bound in BUCKET_BOUNDS] == list(
        range(1, len(BUCKET_BOUNDS) + 1)
    )


def test_rows_of_one_bucket_travel_together_in_the_order_of_arrival() -> None:
    rows = rows_of(5, 6, 7, 8)
    line = waiting(*rows)
    assert line.take_batch() == rows
    assert not line


def test_a_batch_stays_within_the_padded_token_budget() -> None:
    line = waiting(*rows_of(8, 8, 8, 8, 8, 8))
    assert [len(line.take_batch()) for _ in range(2)] == [5, 1]


def test_a_batch_stays_within_the_row_limit() -> None:
    line = waiting(*rows_of(*[1] * 20))
    assert [len(line.take_batch()) for _ in range(3)] == [8, 8, 4]


def test_a_row_longer_than_the_budget_travels_alone() -> None:
    rows = rows_of(100, 100, 1)
    line = waiting(*rows)
    assert line.take_batch() == [rows[0]]
    assert line.take_batch() == [rows[1]]


def test_different_targets_never_share_a_batch() -> None:
    rows = [Row(4, 0.0, "a"), Row(4, 1.0, "b"), Row(4, 2.0, "a")]
    line = waiting(*rows)
    assert line.take_batch() == [rows[0], rows[2]]
    assert line.take_batch() == [rows[1]]


def test_the_row_that_has_waited_longest_is_always_in_the_next_batch() -> None:
    rows = [*rows_of(*[4] * 30), Row(32, 3.5)]
    line = waiting(*rows)
    assert line.take_batch()[0] is rows[0]
    assert line.take_batch()[0] is rows[30], "a long row among many short ones starves"


def test_room_that_is_left_is_filled_from_neighbouring_lengths() -> None:
    rows = [Row(8, 0.0), Row(7, 1.0), Row(9, 2.0)]
    assert waiting(*rows).take_batch() == rows


def test_rows_whose_padding_would_cost_too_much_wait_for_another_batch() -> None:
    rows = [Row(12, 0.0), Row(1, 1.0)]
    line = waiting(*rows)
    assert line.take_batch() == [rows[0]]
    assert line.take_batch() == [rows[1]]


def test_rows_that_are_gone_are_dropped() -> None:
    rows = rows_of(4, 4, 4, 4)
    line = waiting(*rows)
    rows[0].is_gone = rows[2].is_gone = True
    assert line.take_batch() == [rows[1], rows[3]]
    assert not line


def test_nothing_is_left_when_every_row_is_gone() -> None:
    rows = rows_of(4, 40, 400)
    line = waiting(*rows)
    for row in rows:
        row.is_gone = True
    assert line.take_batch() == []
    assert not line


@given(
    lengths=st.lists(st.integers(1, 600), min_size=1, max_size=80),
    max_tokens=st.integers(1, 2000),
    max_rows=st.integers(1, 40),
)
def test_every_row_leaves_exactly_once_and_every_batch_keeps_the_limits(
    lengths: list[int], max_tokens: int, max_rows: int
) -> None:
    rows = [Row(length, float(i), str(i % 3)) for i, length in enumerate(lengths)]
    line = waiting(*rows, limits=BatchLimits(max_tokens, max_rows))
    left: list[Row] = []
    while line:
        batch = line.take_batch()
        assert batch
        oldest = min((row for row in rows if row not in left), key=lambda row: row.arrival)
        assert oldest in batch
        assert len({row.target for row in batch}) == 1
        assert len(batch) <= max_rows
        padded = len(batch) * max(row.length for row in batch)
        assert len(batch) == 1 or padded <= max_tokens
        left += batch
    assert sorted(map(id, left)) == sorted(map(id, rows))


def test_mixed_lengths_waste_little() -> None:
    random.seed(1)
    rows = rows_of(*[random.randint(4, 60) for _ in range(2000)])
    line = waiting(*rows, limits=BatchLimits(max_tokens=1024, max_rows=128))
    padded = 0
    while batch := line.take_batch():
        padded += len(batch) * max(row.length for row in batch)
    assert sum(row.length for row in rows) / padded == pytest.approx(0.9, abs=0.1)


def test_rows_with_a_limit_of_their_own_share_smaller_batches() -> None:
    few = [Row(2, target="few", max_rows=3) for _ in range(5)]
    many = [Row(2, 1.0, target="many", max_rows=100) for _ in range(10)]
    line = waiting(*few, *many)
    assert [group.max_rows for group in line.groups()] == [3, LIMITS.max_rows]
    assert line.take_batch() == few[:3]
    assert line.take_batch() == few[3:]
    assert line.take_batch() == many[: LIMITS.max_rows]


def test_interactive_rows_go_before_bulk_rows_that_came_earlier() -> None:
    line: WaitingRows[Row] = WaitingRows(BatchLimits(max_tokens=8, max_rows=2), bulk_delay_s=2.0)
    bulk = [Row(4, 0.0, is_bulk=True), Row(4, 0.1, is_bulk=True)]
    interactive = [Row(4, 1.0), Row(4, 1.1), Row(4, 1.2)]
    for row in [*bulk, *interactive]:
        line.add(row)
    assert line.take_batch() == interactive[:2]
    assert line.take_batch() == [interactive[2], bulk[0]], "bulk rows fill the room that is left"
    assert line.take_batch() == [bulk[1]]


def test_bulk_rows_wait_no_longer_than_their_delay_while_interactive_ones_keep_coming() -> None:
    line: WaitingRows[Row] = WaitingRows(BatchLimits(max_tokens=4, max_rows=1), bulk_delay_s=2.0)
    bulk = Row(4, 0.0, is_bulk=True)
    line.add(bulk)
    taken = []
    for step in range(60):
        line.add(Row(4, 0.1 * step))
        line.add(Row(4, 0.1 * step))  # twice of what leaves
        taken.extend(line.take_batch())
    place = taken.index(bulk)
    assert all(row.arrival <= 2.0 + 1e-9 for row in taken[:place])


def test_a_flooded_model_does_not_starve_another() -> None:
    line: WaitingRows[Row] = WaitingRows(BatchLimits(max_tokens=40, max_rows=10))
    for step in range(1000):
        line.add(Row(4, 0.001 * step, target="flooded", model="flooded"))
    taken = []
    for step in range(20):
        line.add(Row(4, 2.0 + step, target="quiet", model="quiet"))
        taken.append(line.take_batch()[0].model)
        taken.append(line.take_batch()[0].model)
    assert taken[:2].count("quiet") == 1, "its first row leaves with the next batch but one"
    assert taken.count("quiet") == 20, "each of its rows leaves before the next one comes"


def test_targets_that_must_wait_let_others_pass() -> None:
    rows = [Row(4, 0.0, "a"), Row(4, 1.0, "b")]
    line = waiting(*rows)
    assert line.take_batch(lambda group: group.target == "b") == [rows[1]]
    assert line.take_batch(lambda group: group.target == "b") == []
    assert line.take_batch() == [rows[0]]


def test_what_waits_is_counted_by_priority() -> None:
    rows = [Row(4), Row(7, is_bulk=True), Row(9, target="other", model="other")]
    line = waiting(*rows)
    assert (len(line), line.tokens) == (3, 20)
    assert line.tokens_before("model", is_bulk=False) == 4
    assert line.tokens_before("model", is_bulk=True) == 11
    assert line.forget(rows[1])
    assert not line.forget(rows[1])
    assert (len(line), line.tokens) == (2, 13)
    assert line.tokens_before("model", is_bulk=True) == 4


def test_rows_that_are_gone_do_not_pile_up_behind_one_that_stays() -> None:
    line = waiting(Row(4, 0.0))
    for step in range(100_000):
        gone = Row(4, step + 1.0)
        line.add(gone)
        line.forget(gone)
    assert (
        sum(len(rows) for lines in vars(line)["_targets"].values() for rows in lines.lines.values())
        < 1000
    )
    assert len(line.take_batch()) == 1
    assert not line
