import itertools

from hypothesis import given
from hypothesis import strategies as st

from service.batching.segments import Bucket, segment_of

MAX_TOKENS = 200


def cost_of(segments: list[list[Bucket]], fixed_tokens: float) -> float:
    padded = [sum(b.rows for b in part) * part[-1].length for part in segments]
    return sum(tokens + fixed_tokens * max(1.0, tokens / MAX_TOKENS) for tokens in padded)


def test_rows_share_a_batch_where_a_batch_costs_more_than_the_padding() -> None:
    buckets = [Bucket(10, 1), Bucket(20, 1)]
    assert segment_of(buckets, 0, fixed_tokens=lambda _: 11, max_tokens=100) == range(2)
    assert segment_of(buckets, 0, fixed_tokens=lambda _: 9, max_tokens=100) == range(1)
    assert segment_of(buckets, 1, fixed_tokens=lambda _: 9, max_tokens=100) == range(1, 2)


def test_where_batches_are_full_anyway_no_padding_is_worth_it() -> None:
    buckets = [Bucket(10, 100), Bucket(12, 100)]
    assert segment_of(buckets, 0, fixed_tokens=lambda _: 100, max_tokens=500) == range(1)


def test_where_tokens_cost_nothing_all_share() -> None:
    buckets = [Bucket(10, 3), Bucket(500, 1)]
    assert segment_of(buckets, 0, fixed_tokens=lambda _: float("inf"), max_tokens=1000) == range(2)


@given(
    rows=st.lists(st.integers(1, 20), min_size=1, max_size=7),
    fixed_tokens=st.floats(0.0, 500.0),
)
def test_no_other_way_to_cut_the_lengths_is_cheaper(rows: list[int], fixed_tokens: float) -> None:
    buckets = [Bucket(4 * (place + 1), count) for place, count in enumerate(rows)]
    found = {
        segment_of(buckets, place, fixed_tokens=lambda _: fixed_tokens, max_tokens=MAX_TOKENS)
        for place in range(len(buckets))
    }
    segments = [[buckets[place] for place in part] for part in sorted(found, key=min)]
    assert [bucket for part in segments for bucket in part] == buckets
    cheapest = min(
        cost_of(
            [buckets[a:b] for a, b in itertools.pairwise([0, *cuts, len(buckets)])], fixed_tokens
        )
        for count in range(len(buckets))
        for cuts in itertools.combinations(range(1, len(buckets)), count)
    )
    assert cost_of(segments, fixed_tokens) <= cheapest * (1 + 1e-9)
