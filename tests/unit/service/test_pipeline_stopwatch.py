from __future__ import annotations

from service.pipeline.stopwatch import Stopwatch


def test_of_rows_side_by_side_the_longest_times_count() -> None:
    stopwatch = Stopwatch()
    stopwatch.note(queue_s=0.2, model_s=3.0)
    stopwatch.note(queue_s=0.5, model_s=1.0)
    timings = stopwatch.timings()
    assert (timings.queue_s, timings.model_s) == (0.5, 3.0)


def test_tokenizing_before_and_behind_the_model_is_added_up() -> None:
    stopwatch = Stopwatch()
    with stopwatch.tokenizing():
        pass
    first = stopwatch.timings()
    with stopwatch.tokenizing():
        pass
    second = stopwatch.timings()
    assert 0 < first.tokenize_s < second.tokenize_s < second.total_s


def test_an_error_tells_where_the_time_went() -> None:
    metadata = Stopwatch().metadata()
    assert set(metadata) == {"total_s", "tokenize_s"}
    assert all(float(seconds) >= 0 for seconds in metadata.values())
