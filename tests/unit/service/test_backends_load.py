from __future__ import annotations

import collections
import random

import numpy as np
import pytest

from heed.contract import Signature
from service.backends.replicas.load import least_loaded, padded_tokens
from service.domain.models import VersionKey
from service.domain.signatures import PredictTarget


def target(beam_width: int = 1) -> PredictTarget:
    return PredictTarget(VersionKey("m", 1), Signature.BEAM, ("tokens",), beam_width)


@pytest.mark.parametrize(
    ("inputs", "beam_width", "expected"),
    [
        ({"tokens": np.zeros((3, 7)), "lengths": np.zeros(3)}, 1, 21),
        ({"tokens": np.zeros((3, 7)), "prefix_tokens": np.zeros((3, 9))}, 4, 108),
        ({"request": np.zeros(1)}, 1, 1),
        ({"tokens": np.zeros((0, 5))}, 1, 5),
        ({}, 2, 2),
    ],
)
def test_the_work_of_a_call_is_rows_times_the_longest_times_the_hypotheses(
    inputs: dict[str, np.ndarray], beam_width: int, expected: int
) -> None:
    assert padded_tokens(target(beam_width), inputs) == expected


def test_the_least_loaded_is_chosen() -> None:
    loads = {"a": 30, "b": 10, "c": 20}
    assert least_loaded(list(loads), loads.__getitem__, random.Random(1)) == "b"


def test_equals_share_the_calls() -> None:
    rng = random.Random(1)
    counts = collections.Counter(
        least_loaded("abc", lambda member: 9 if member == "b" else 0, rng) for _ in range(1000)
    )
    assert set(counts) == {"a", "c"}
    assert 400 < counts["a"] < 600
