from pathlib import Path

import pytest

import loadtest
from loadtest.errors import LoadTestError
from loadtest.objectives import Objectives, read_objectives
from loadtest.samples import Sample, load_of

OBJECTIVES = Objectives.model_validate(
    {"latency_ms": {"p50": 100, "p95": 200, "p99": 300}, "errors": {"max_share": 0.01}}
)


def load(latencies_ms: list[float], failed: int = 0):
    samples = [
        Sample("plain", 0.1 * number, 0.0, latency_ms / 1e3)
        for number, latency_ms in enumerate(latencies_ms)
    ]
    samples += [Sample("plain", 0.1, 0.0, 0.01, "UNAVAILABLE") for _ in range(failed)]
    return load_of(samples)


def test_a_load_within_every_bound_breaks_nothing() -> None:
    assert OBJECTIVES.broken_by(load([100.0] * 99 + [300.0])) == []


def test_every_bound_that_is_broken_is_told_with_both_numbers() -> None:
    broken = OBJECTIVES.broken_by(load([90.0] * 90 + [400.0] * 10, failed=2))
    assert broken == [
        "p95 400 ms over 200 ms",
        "p99 400 ms over 300 ms",
        "1.96% failed, over 1.00%",
    ]


def test_a_load_without_answers_breaks_all() -> None:
    assert len(OBJECTIVES.broken_by(load([], failed=3))) == 4


def test_the_objectives_that_come_along_can_be_read() -> None:
    objectives = read_objectives(Path(loadtest.__file__).with_name("objectives.toml"))
    assert objectives.latency_ms.p50 < objectives.latency_ms.p99
    assert objectives.requests_per_s.least > 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[latency_ms]\np50 = 1\np95 = 2\np99 = 3", "errors: Field required"),
        ("[errors]\nmax_share = 2\n[latency_ms]\np50 = 1\np95 = 2\np99 = 3", "errors.max_share"),
        ("[errors]\nmax_share = 0\n[latency_ms]\np5 = 1\np95 = 2\np99 = 3", "latency_ms.p5: "),
        ("nothing", "cannot read objectives"),
    ],
)
def test_wrong_objectives_are_refused_by_their_place(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "objectives.toml"
    path.write_text(text)
    with pytest.raises(LoadTestError, match=said):
        read_objectives(path)
