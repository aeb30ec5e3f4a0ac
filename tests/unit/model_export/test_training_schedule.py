from __future__ import annotations

import pytest

from model_export.config import RateSchedule, TrainingSettings
from model_export.training.optimizer import build_optimizer
from model_export.training.time_left import TimeLeft


def _rates(settings: TrainingSettings, step_count: int) -> list[float]:
    optimizer = build_optimizer(settings, step_count=step_count)
    schedule = optimizer._learning_rate
    return [float(schedule(step)) for step in range(step_count + 1)]


def test_the_rate_warms_up_and_falls_by_a_cosine() -> None:
    rates = _rates(TrainingSettings(learning_rate=0.8, warmup_steps=10), 110)
    assert rates[0] == 0.0
    assert rates[5] == pytest.approx(0.4)
    assert max(rates) == rates[10] == pytest.approx(0.8)
    assert rates[60] == pytest.approx(0.4)
    assert rates[110] == pytest.approx(0.0, abs=1e-7)


def test_a_share_of_the_rate_can_be_left_at_the_end() -> None:
    settings = TrainingSettings(learning_rate=0.5, warmup_steps=0, final_learning_rate_share=0.1)
    rates = _rates(settings, 20)
    assert rates[0] == pytest.approx(0.5)
    assert rates[20] == pytest.approx(0.05)


def test_a_warm_up_longer_than_the_training_is_cut() -> None:
    assert _rates(TrainingSettings(learning_rate=0.5, warmup_steps=100), 3)[2] == pytest.approx(0.5)


def test_the_rate_can_fall_with_the_root_of_the_steps() -> None:
    settings = TrainingSettings(
        learning_rate=0.8, warmup_steps=10, schedule=RateSchedule.INVERSE_SQUARE_ROOT
    )
    rates = _rates(settings, 100)
    assert rates[0] == pytest.approx(0.08)
    assert rates[4] == pytest.approx(0.4)
    assert max(rates) == rates[9] == pytest.approx(0.8)
    assert rates[39] == pytest.approx(0.4)
    assert rates[89] == pytest.approx(0.8 / 3)


def test_the_root_schedule_needs_no_warm_up() -> None:
    settings = TrainingSettings(
        learning_rate=0.6, warmup_steps=0, schedule=RateSchedule.INVERSE_SQUARE_ROOT
    )
    assert _rates(settings, 3)[0] == pytest.approx(0.6)


def test_time_left_is_unknown_before_enough_steps() -> None:
    time_left = TimeLeft(evaluate_every_steps=50, step_count=100)
    for _ in range(19):
        time_left.record_step(0.1)
    assert time_left.estimate_s(19) is None
    time_left.record_step(0.1)
    assert time_left.estimate_s(20) is not None


def test_time_left_counts_steps_and_evaluations() -> None:
    time_left = TimeLeft(evaluate_every_steps=40, step_count=100)
    for _ in range(20):
        time_left.record_step(0.5)
    # 80 steps; evaluations at 40, 80, 100 and the last one on all of dev, at 50 steps each.
    assert time_left.estimate_s(20) == pytest.approx(80 * 0.5 + 4 * 50 * 0.5)
    time_left.record_evaluation(3.0)
    assert time_left.estimate_s(60) == pytest.approx(40 * 0.5 + 3 * 3.0)
