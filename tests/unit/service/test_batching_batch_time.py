import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.batching.batch_time import BatchSize, BatchTime


def learnt(*batches: tuple[int, float]) -> BatchTime:
    time = BatchTime()
    for tokens, seconds in batches:
        time.add(BatchSize(1, tokens), seconds)
    return time


def test_a_line_is_found() -> None:
    time = learnt(*[(tokens, 0.01 + 0.001 * tokens) for tokens in (10, 20, 50, 10, 80, 30)])
    assert time.seconds_for(BatchSize(1, 40)) == pytest.approx(0.05)


def test_steps_cost_something_however_few_rows_there_are() -> None:
    time = BatchTime()
    sizes = [BatchSize(rows, longest) for rows in (1, 4, 16) for longest in (5, 20, 60)]
    for size in [sizes[0], *sizes, *sizes]:
        time.add(size, 0.01 + 0.002 * size.longest + 0.0001 * size.padded_tokens)
    assert time.seconds_for(BatchSize(8, 30)) == pytest.approx(0.01 + 0.06 + 0.024, rel=1e-3)
    fixed_tokens = time.fixed_tokens
    assert fixed_tokens is not None
    assert fixed_tokens(30) == pytest.approx(700, rel=1e-3), "0.07 s at 0.0001 s a token"


def test_nothing_is_said_without_evidence() -> None:
    assert BatchTime().seconds_for(BatchSize(1, 1)) is None
    assert learnt(*[(10, 0.1)] * 4).seconds_for(BatchSize(1, 10)) is None
    assert learnt(*[(10, 0.1)] * 5).seconds_for(BatchSize(1, 10)) == pytest.approx(0.1)


def test_nothing_is_said_of_batches_much_larger_than_any_seen() -> None:
    time = learnt(*[(10, 0.1)] * 8)
    assert time.seconds_for(BatchSize(1, 20)) is not None
    assert time.seconds_for(BatchSize(1, 21)) is None


def test_the_first_batch_which_prepares_the_graph_does_not_count() -> None:
    assert learnt((10, 30.0), *[(10, 0.1)] * 4).seconds_for(BatchSize(1, 10)) == pytest.approx(0.1)


def test_one_stall_teaches_little_and_a_change_is_learnt() -> None:
    time = learnt(*[(10, 0.1)] * 40)
    time.add(BatchSize(1, 10), 60.0)
    assert time.seconds_for(BatchSize(1, 10)) == pytest.approx(0.11, abs=0.02)
    for _ in range(100):
        time.add(BatchSize(1, 10), 0.5)
    assert time.seconds_for(BatchSize(1, 10)) == pytest.approx(0.5, rel=0.1)


@given(
    batches=st.lists(
        st.tuples(st.integers(1, 5000), st.floats(0.0, 10.0)), min_size=10, max_size=80
    ),
    asked=st.integers(1, 5000),
)
def test_no_time_is_ever_negative(batches: list[tuple[int, float]], asked: int) -> None:
    seconds = learnt(*batches).seconds_for(BatchSize(1, asked))
    assert seconds is None or seconds >= 0
