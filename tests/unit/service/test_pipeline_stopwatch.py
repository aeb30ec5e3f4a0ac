from __future__ import annotations

import time

from service.pipeline.stopwatch import Stopwatch


def test_rows_that_ran_one_after_the_other_are_added_up() -> None:
    stopwatch = Stopwatch()
    stopwatch.note(queue_s=0.2, model_s=3.0)
    stopwatch.note(queue_s=0.5, model_s=1.0)
    timings = stopwatch.timings()
    assert (timings.queue_s, timings.model_s) == (0.7, 4.0)


def test_each_stage_counts_its_own_time_and_no_other() -> None:
    stopwatch = Stopwatch()
    stages = {
        "tokenize_s": stopwatch.tokenizing,
        "detokenize_s": stopwatch.detokenizing,
        "attention_s": stopwatch.shaping_attention,
        "heads_s": stopwatch.adding_heads,
    }
    for name, stage in stages.items():
        before = stopwatch.timings()
        with stage():
            time.sleep(0.001)
        after = stopwatch.timings()
        assert getattr(after, name) - getattr(before, name) >= 0.001
        for other in stages.keys() - {name}:
            assert getattr(after, other) == getattr(before, other)


def test_the_rows_of_the_heads_pass_count_for_that_pass_alone() -> None:
    stopwatch = Stopwatch()
    stopwatch.note(queue_s=0.25, model_s=0.5)
    with stopwatch.adding_heads():
        stopwatch.note(queue_s=7.0, model_s=7.0)
    timings = stopwatch.timings()
    assert (timings.queue_s, timings.model_s) == (0.25, 0.5)
    assert timings.heads_s < 1


def test_an_error_tells_where_the_time_went() -> None:
    metadata = Stopwatch().metadata()
    assert set(metadata) == {"total_s", "tokenize_s"}
    assert all(float(seconds) >= 0 for seconds in metadata.values())
