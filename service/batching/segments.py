"""Which lengths share batches so that all that waits is done soonest. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Bucket(NamedTuple):
    """Waiting rows of about one length.

    Attributes:
        length: What each is padded to in a batch of its own kind, in tokens.
        rows: How many there are.
    """

    length: int
    rows: int


def segment_of(
    buckets: Sequence[Bucket],
    place: int,
    *,
    fixed_tokens: Callable[[int], float],
    max_tokens: int,
) -> range:
    """The buckets that a bucket shares its batches with.

    Splitting rows by length saves padding and costs batches. Of all ways to cut the buckets into
    runs of neighbours this finds the cheapest, by dynamic programming: a run of N rows, L tokens
    the longest, costs N L padded tokens and `fixed_tokens(L)` for each batch that they fill.

    Args:
        buckets: In ascending order of length, none without rows.
        place: Which bucket is asked for.
        fixed_tokens: For a longest row: the padded tokens that cost as much as a batch does
            however few rows it has.
        max_tokens: The most padded tokens of a batch.

    Example:
        >>> few = [Bucket(8, 2), Bucket(10, 3), Bucket(60, 1)]
        >>> segment_of(few, 0, fixed_tokens=lambda _: 100, max_tokens=1000)
        range(0, 2)
        >>> segment_of(few, 0, fixed_tokens=lambda _: 1000, max_tokens=1000)
        range(0, 3)
    """
    costs, begins = [0.0], [0]
    for end in range(1, len(buckets) + 1):
        longest = buckets[end - 1].length
        fixed = fixed_tokens(longest)
        best, best_begin, rows = float("inf"), 0, 0
        for begin in range(end - 1, -1, -1):
            rows += buckets[begin].rows
            padded = rows * longest
            cost = costs[begin] + padded + fixed * max(1.0, padded / max_tokens)
            if cost < best:
                best, best_begin = cost, begin
        costs.append(best)
        begins.append(best_begin)
    end = len(buckets)
    while begins[end] > place:
        end = begins[end]
    return range(begins[end], end)
