from __future__ import annotations

import collections

import pytest

from service.backends.version_choice import current_version, enough, pick_canary
from service.domain.models import CanaryShare
from service.settings.versions import RollOut


@pytest.mark.parametrize(
    ("roll_out", "replicas", "expected"),
    [
        (RollOut.ONE, 5, 1),
        (RollOut.HALF, 1, 1),
        (RollOut.HALF, 2, 1),
        (RollOut.HALF, 3, 2),
        (RollOut.HALF, 4, 2),
        (RollOut.ALL, 4, 4),
        (RollOut.ALL, 0, 1),
    ],
)
def test_how_many_model_servers_are_enough(roll_out: RollOut, replicas: int, expected: int) -> None:
    assert enough(roll_out, replicas) == expected


@pytest.mark.parametrize(
    ("counts", "roll_out", "expected"),
    [
        ({}, RollOut.HALF, None),
        ({3: 1}, RollOut.ALL, 3),
        ({3: 1, 2: 3}, RollOut.ONE, 3),
        ({3: 1, 2: 3}, RollOut.HALF, 2),
        ({3: 2, 2: 3}, RollOut.HALF, 3),
        ({3: 2, 2: 3}, RollOut.ALL, 2),
        ({3: 1, 2: 1}, RollOut.ALL, 3),
        ({3: 1, 2: 2}, RollOut.ALL, 2),
    ],
)
def test_calls_go_to_the_newest_version_on_enough_of_three_model_servers(
    counts: dict[int, int], roll_out: RollOut, expected: int | None
) -> None:
    assert current_version(counts, healthy_replica_count=3, roll_out=roll_out) == expected


def test_a_canary_takes_over_only_when_there_is_nothing_else() -> None:
    def current(counts: dict[int, int]) -> int | None:
        return current_version(counts, healthy_replica_count=1, roll_out=RollOut.HALF, canaries=[7])

    assert current({7: 1, 6: 1}) == 6
    assert current({7: 1}) == 7


def shares(*pairs: tuple[int, float]) -> list[CanaryShare]:
    return [CanaryShare(version, share) for version, share in pairs]


def test_canaries_get_their_shares() -> None:
    canaries = shares((7, 0.05), (8, 0.2))
    counts = collections.Counter(
        pick_canary(canaries, model="m", call_id=f"call-{index}", seed=0) for index in range(20_000)
    )
    assert counts[7] / 20_000 == pytest.approx(0.05, abs=0.01)
    assert counts[8] / 20_000 == pytest.approx(0.2, abs=0.01)
    assert counts[None] / 20_000 == pytest.approx(0.75, abs=0.015)


def test_one_call_always_gets_the_same_version() -> None:
    canaries = shares((7, 0.5))
    for index in range(50):
        choices = {
            pick_canary(canaries, model="m", call_id=f"call-{index}", seed=3) for _ in range(5)
        }
        assert len(choices) == 1


def test_a_growing_share_keeps_the_calls_it_had() -> None:
    def chosen(share: float) -> set[int]:
        canary = shares((7, share))
        return {
            index
            for index in range(2000)
            if pick_canary(canary, model="m", call_id=str(index), seed=0)
        }

    assert chosen(0.05) < chosen(0.2) < chosen(1.0) == set(range(2000))


def test_another_seed_or_model_chooses_other_calls() -> None:
    def chosen(model: str, seed: int) -> list[int | None]:
        canary = shares((7, 0.5))
        return [pick_canary(canary, model=model, call_id=str(i), seed=seed) for i in range(64)]

    assert len({tuple(chosen(model, seed)) for model in "ab" for seed in (0, 1)}) == 4


def test_without_canaries_nothing_is_drawn() -> None:
    assert pick_canary([], model="m", call_id="", seed=0) is None
