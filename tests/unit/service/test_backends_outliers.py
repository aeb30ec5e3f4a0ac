"""Ejection, on a clock that the tests turn."""

from __future__ import annotations

import math

import pytest

from service.backends.replicas.outliers import Conduct, EjectionRules, Outcome, Standing

RULES = EjectionRules(
    failures_in_a_row=3, min_calls=10, first_s=5.0, longest_s=20.0, trial_calls=2, window_s=10.0
)


def conduct() -> Conduct:
    return Conduct(RULES)


def fail(one: Conduct, peers: list[Conduct], *, now: float, times: int = 3) -> float:
    """Fails calls, and returns how long it was ejected for; 0 if it was not."""
    ejected_s = 0.0
    for _ in range(times):
        one.note(Outcome.FAILED, now=now)
        ejection = one.judge(now, peers)
        ejected_s += ejection.seconds if ejection else 0.0
    return ejected_s


def answer(
    one: Conduct,
    peers: list[Conduct],
    *,
    now: float,
    times: int = 10,
    seconds: float = 0.1,
    slowness: float = 0.0,
) -> str:
    """Answers calls, and returns why it was ejected; empty if it was not."""
    for _ in range(times):
        one.note(Outcome.ANSWERED, now=now, seconds=seconds, slowness=slowness)
        ejection = one.judge(now, peers)
        if ejection is not None:
            return ejection.reason
    return ""


def test_failures_in_a_row_eject() -> None:
    one, peer = conduct(), conduct()
    assert fail(one, [peer], now=0, times=2) == 0
    assert one.standing(0) is Standing.IN
    assert fail(one, [peer], now=0, times=1) == 5
    assert one.standing(4.9) is Standing.EJECTED
    assert one.standing(5.0) is Standing.ON_TRIAL


def test_an_answer_between_failures_keeps_it_in() -> None:
    one, peer = conduct(), conduct()
    for _ in range(4):
        assert fail(one, [peer], now=0, times=2) == 0
        answer(one, [peer], now=0, times=1)
    assert one.standing(0) is Standing.IN


def test_the_last_one_is_never_ejected() -> None:
    one, peer = conduct(), conduct()
    assert fail(one, [], now=0, times=50) == 0
    fail(peer, [one], now=0)
    assert peer.standing(1) is Standing.EJECTED
    assert fail(one, [peer], now=1, times=50) == 0


@pytest.mark.parametrize(("replicas", "most_out"), [(2, 1), (3, 1), (4, 2), (5, 2), (7, 3)])
def test_at_most_half_are_ejected_at_once(replicas: int, most_out: int) -> None:
    everyone = [conduct() for _ in range(replicas)]
    for one in everyone:
        fail(one, [peer for peer in everyone if peer is not one], now=0)
    assert sum(one.standing(0) is Standing.EJECTED for one in everyone) == most_out


def test_trial_calls_bring_it_back() -> None:
    one, peer = conduct(), conduct()
    fail(one, [peer], now=0)
    assert answer(one, [peer], now=6, times=1) == ""
    assert one.standing(6) is Standing.ON_TRIAL
    answer(one, [peer], now=6, times=1)
    assert one.standing(6) is Standing.IN


def test_each_ejection_is_twice_as_long_up_to_the_longest() -> None:
    one, peer = conduct(), conduct()
    lengths, now = [fail(one, [peer], now=0.0)], 0.0
    for _ in range(3):
        now += lengths[-1]
        lengths.append(fail(one, [peer], now=now, times=1))  # a call on trial
    assert lengths == [5, 10, 20, 20]


def test_a_long_good_time_makes_the_next_ejection_short_again() -> None:
    one, peer = conduct(), conduct()
    fail(one, [peer], now=0)
    fail(one, [peer], now=6, times=1)
    answer(one, [peer], now=20, times=2)
    assert one.standing(20) is Standing.IN
    assert fail(one, [peer], now=30) == 20  # in for 10 s, after 10 s out
    answer(one, [peer], now=51, times=2)
    assert fail(one, [peer], now=200) == 5


def test_what_was_sent_before_the_ejection_does_not_make_it_longer() -> None:
    one, peer = conduct(), conduct()
    fail(one, [peer], now=0)
    assert fail(one, [peer], now=1, times=5) == 0
    assert one.standing(5) is Standing.ON_TRIAL


def test_a_share_of_failures_ejects_where_the_others_do_better() -> None:
    one, peer = conduct(), conduct()
    answer(peer, [one], now=0, times=20)
    reason = ""
    for _ in range(10):
        reason = reason or answer(one, [peer], now=1, times=1)
        one.note(Outcome.STRAINED, now=1)
        ejection = one.judge(1, [peer])
        reason = reason or (ejection.reason if ejection else "")
    assert reason == "5 of its last 10 calls failed, 0 of 20 elsewhere"


def test_a_share_of_late_calls_ejects_nobody_where_all_are_late() -> None:
    one, peer = conduct(), conduct()
    for each, other in ((peer, one), (one, peer)):
        for _ in range(30):
            each.note(Outcome.STRAINED, now=0)
            assert each.judge(0, [other]) is None


def test_old_calls_leave_the_window() -> None:
    one = conduct()
    fail(one, [], now=0, times=4)
    answer(one, [], now=5, times=2)
    assert one.bad_calls(9) == (4, 6)
    assert one.bad_calls(11) == (0, 2)


def test_a_model_server_much_slower_than_the_others_is_ejected() -> None:
    one, peers = conduct(), [conduct(), conduct()]
    for peer in peers:
        answer(peer, [one], now=0)
    reason = answer(one, peers, now=0, seconds=0.8, slowness=math.log(8))
    assert reason == "it takes 8.0 times as long as the others"


@pytest.mark.parametrize(
    ("seconds", "slowness"), [(0.4, math.log(4)), (0.001, math.log(50))], ids=["less", "so fast"]
)
def test_somewhat_slower_or_slower_by_nothing_that_matters_is_not(
    seconds: float, slowness: float
) -> None:
    one, peer = conduct(), conduct()
    answer(peer, [one], now=0)
    assert answer(one, [peer], now=0, seconds=seconds, slowness=slowness) == ""


def test_a_slow_one_stays_out_while_its_trial_calls_are_slow() -> None:
    one, peer = conduct(), conduct()
    answer(peer, [one], now=0)
    answer(one, [peer], now=0, seconds=0.8, slowness=math.log(8))
    assert answer(one, [peer], now=6, times=2, seconds=0.8, slowness=math.log(8))
    assert one.standing(7) is Standing.EJECTED
    assert answer(one, [peer], now=17, times=2) == ""
    assert one.standing(17) is Standing.IN


def test_rules_can_be_turned_off() -> None:
    one = Conduct(EjectionRules(failures_in_a_row=0))
    assert fail(one, [Conduct(EjectionRules())], now=0, times=100) == 0
