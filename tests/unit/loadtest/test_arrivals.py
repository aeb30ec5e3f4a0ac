from collections.abc import Iterator
from itertools import pairwise, takewhile
from random import Random

import pytest

from loadtest.arrivals import Pattern, PatternKind, Spacing, arrivals


def until(end_s: float, times: Iterator[float]) -> list[float]:
    return list(takewhile(lambda time_s: time_s < end_s, times))


def drawn(rate: float, pattern: Pattern, end_s: float, **given: object) -> list[float]:
    return until(end_s, arrivals(rate, pattern=pattern, random=Random(7), **given))  # type: ignore[arg-type]


def test_poisson_arrivals_keep_the_rate_and_spread_as_chance_does() -> None:
    times = drawn(50, Pattern(), 400)
    assert len(times) == pytest.approx(20_000, rel=0.03)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    assert variance**0.5 == pytest.approx(mean, rel=0.05)  # as of the exponential distribution


def test_the_same_seed_gives_the_same_arrivals_and_another_one_others() -> None:
    first, again, other = (
        until(5, arrivals(20, pattern=Pattern(), random=Random(seed))) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_arrivals_of_several_users_add_up_to_their_rates() -> None:
    together = [
        time_s
        for seed in range(10)
        for time_s in until(100, arrivals(5, pattern=Pattern(), random=Random(seed)))
    ]
    assert len(together) == pytest.approx(5000, rel=0.05)


def test_even_arrivals_come_at_equal_gaps() -> None:
    times = drawn(4, Pattern(), 3, spacing=Spacing.EVEN)
    assert times == pytest.approx([0.25 * number for number in range(1, len(times) + 1)])
    assert len(times) in (11, 12)  # the twelfth comes at the very end


def test_bursts_bring_more_in_their_time_and_less_between_with_the_same_mean() -> None:
    pattern = Pattern(PatternKind.BURSTS, period_s=10, burst_factor=4, burst_share=0.2)
    times = drawn(50, pattern, 200)
    in_bursts = sum(time_s % 10 < 2 for time_s in times)
    assert len(times) == pytest.approx(10_000, rel=0.05)
    assert in_bursts / len(times) == pytest.approx(0.8, abs=0.02)
    assert pattern.at(1) == 4
    assert pattern.at(5) == pytest.approx(0.25)


def test_a_ramp_begins_with_nothing_and_ends_at_the_rate() -> None:
    times = drawn(100, Pattern(PatternKind.RAMP, period_s=20), 40)
    assert sum(time_s < 20 for time_s in times) == pytest.approx(1000, rel=0.1)
    assert sum(time_s >= 20 for time_s in times) == pytest.approx(2000, rel=0.1)


def test_a_soak_swings_around_the_rate() -> None:
    pattern = Pattern(PatternKind.SOAK, period_s=40)
    assert [pattern.at(time_s) for time_s in (0, 10, 30)] == pytest.approx([1.0, 1.5, 0.5])
    assert len(drawn(50, pattern, 80)) == pytest.approx(4000, rel=0.1)


def test_nothing_comes_before_the_beginning() -> None:
    assert min(drawn(50, Pattern(), 20, begin_s=12.5)) >= 12.5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"period_s": 0}, "above 0"),
        ({"burst_share": 1.0}, "between 0 and 1"),
        ({"burst_factor": 6, "burst_share": 0.5}, "may be at most 1"),
    ],
)
def test_a_pattern_that_cannot_be_is_refused(given: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Pattern(PatternKind.BURSTS, **given)


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="expected above 0"):
        arrivals(0, pattern=Pattern(), random=Random(1))
