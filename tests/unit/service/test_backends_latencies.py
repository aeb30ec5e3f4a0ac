from __future__ import annotations

import math

import pytest

from heed.contract import Signature
from service.backends.replicas.latencies import (
    FEWEST_FOR_PERCENTILE,
    MAX_KINDS,
    TypicalLatencies,
    kind_of,
)
from service.domain.models import VersionKey
from service.domain.signatures import PredictTarget


def test_calls_of_about_the_same_size_are_of_one_kind() -> None:
    target = PredictTarget(VersionKey("m", 1), Signature.GREEDY, ("tokens",))
    other = PredictTarget(VersionKey("m", 2), Signature.GREEDY, ("tokens",))
    assert kind_of(target, 64) == kind_of(target, 127)
    assert kind_of(target, 64) != kind_of(target, 128)
    assert kind_of(target, 64) != kind_of(other, 64)


def test_slowness_compares_a_call_with_its_own_kind() -> None:
    latencies = TypicalLatencies()
    assert latencies.note("long", 10.0) == 0.0
    assert latencies.note("short", 0.1) == 0.0
    assert latencies.note("short", 0.4) == pytest.approx(math.log(4))
    assert latencies.note("long", 5.0) == pytest.approx(math.log(0.5))


def test_a_percentile_is_known_once_there_are_enough_calls() -> None:
    latencies = TypicalLatencies()
    assert latencies.percentile_s("a", 90) is None
    for index in range(FEWEST_FOR_PERCENTILE * 4):
        latencies.note("a", 1.0 if index % 10 else 8.0)
    assert latencies.percentile_s("never seen", 90) is None
    median, high = latencies.percentile_s("a", 50), latencies.percentile_s("a", 99)
    assert median is not None
    assert high is not None
    assert 0.7 < median < 1.5
    assert 6 < high < 12


def test_kinds_without_end_are_forgotten_oldest_first() -> None:
    latencies = TypicalLatencies()
    for index in range(MAX_KINDS + 1):
        latencies.note(index, 1.0)
    assert latencies.note(MAX_KINDS, math.e) == pytest.approx(1.0)
    assert latencies.note(0, math.e) == 0.0
