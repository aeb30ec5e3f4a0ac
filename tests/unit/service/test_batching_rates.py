import pytest

from service.batching.rates import ArrivalRate, DrainRate, Pauses
from service.batching.recent import Recent


def test_nothing_is_expected_before_the_second_arrival() -> None:
    rate = ArrivalRate()
    assert rate.rows_per_s(5.0) == 0.0
    rate.note(1, 5.0)
    assert rate.rows_per_s(5.0) == 0.0


def test_steady_arrivals_have_their_rate() -> None:
    rate = ArrivalRate()
    for step in range(20):
        rate.note(1, step * 0.01)
    assert rate.rows_per_s(0.19) == pytest.approx(100.0)


def test_calls_of_several_rows_count_as_so_many() -> None:
    rate = ArrivalRate()
    for step in range(60):
        rate.note(5, step * 0.01)
    assert rate.rows_per_s(0.59) == pytest.approx(500.0, rel=0.01)


def test_one_long_pause_ends_a_rush() -> None:
    rate = ArrivalRate()
    for step in range(20):
        rate.note(1, step * 0.001)
    assert rate.rows_per_s(10.0) == pytest.approx(0.1, rel=0.01), "it falls while nobody comes"
    rate.note(1, 10.0)
    assert rate.rows_per_s(10.0) < 1.0


def test_a_clock_that_stands_still_breaks_nothing() -> None:
    rate = ArrivalRate()
    rate.note(1, 3.0)
    rate.note(1, 3.0)
    assert rate.rows_per_s(3.0) > 0


def test_tokens_are_counted_over_busy_time_alone() -> None:
    drain = DrainRate()
    for start in (0.0, 100.0, 200.0):
        drain.began(start)
        drain.ended(50, start + 0.5)
    assert drain.tokens_per_s() == pytest.approx(100.0)


def test_batches_beside_each_other_add_up() -> None:
    drain = DrainRate()
    for _ in range(4):
        drain.began(0.0)
    for _ in range(4):
        drain.ended(50, 1.0)
    assert drain.tokens_per_s() == pytest.approx(200.0)


def test_nothing_is_said_of_speed_before_a_few_batches_ended() -> None:
    drain = DrainRate()
    for _ in range(2):
        drain.began(0.0)
        drain.ended(10, 1.0)
    assert drain.tokens_per_s() is None


def test_a_slower_model_server_is_noticed() -> None:
    drain = DrainRate()
    for start in range(20):
        drain.began(float(start))
        drain.ended(100, start + 1.0)
    for start in range(20, 80, 10):
        drain.began(float(start))
        drain.ended(100, start + 10.0)
    assert drain.tokens_per_s() == pytest.approx(10.0, rel=0.2)


def test_a_stall_is_not_held_against_the_model_server_for_long() -> None:
    drain, now = DrainRate(), 0.0
    for seconds in [0.1] * 20 + [3600.0]:
        drain.began(now)
        now += seconds
        drain.ended(100, now)
    assert drain.tokens_per_s() == pytest.approx(1000.0, rel=0.25)


def test_failed_batches_do_not_count() -> None:
    drain = DrainRate()
    for start in range(9):
        drain.began(float(start))
        drain.ended(100 if start % 2 else 0, start + 0.5)
    assert drain.tokens_per_s() == pytest.approx(100.0)


def test_refused_callers_are_told_to_come_back_one_after_the_other() -> None:
    pauses = Pauses()

    def pause(now: float) -> float:
        return pauses.next_pause_s(tokens=100, excess=50, tokens_per_s=100.0, now=now)

    assert [pause(0.0) for _ in range(3)] == [0.5, 1.5, 2.5]
    assert pause(3.0) == 0.5, "those have been served by now"


def test_pauses_have_bounds_and_a_default() -> None:
    pauses = Pauses()
    assert pauses.next_pause_s(tokens=1, excess=1, tokens_per_s=None, now=0.0) == 1.0
    assert pauses.next_pause_s(tokens=1, excess=1, tokens_per_s=1e6, now=0.0) == 0.05
    assert pauses.next_pause_s(tokens=1, excess=10**9, tokens_per_s=1.0, now=0.0) == 30.0


def test_a_table_forgets_what_was_not_used_for_longest() -> None:
    table: Recent[int, list[int]] = Recent(list, most=3)
    for key in (1, 2, 3, 1, 4):
        table[key].append(key)
    assert (table[1], table[3], table[4], table[2]) == ([1, 1], [3], [4], [])
