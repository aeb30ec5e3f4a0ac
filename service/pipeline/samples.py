"""Several samples of one text: a row for each, with a seed of its own. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

import numpy as np

from service.domain.requests import BeamOptions, SamplingOptions
from service.domain.signatures import InputArray

Answer = TypeVar("Answer")

_WORD: Final = 0xFFFFFFFF
_MIXING: Final = ((16, 0x85EBCA6B), (13, 0xC2B2AE35))
_LAST_SHIFT: Final = 16


def sample_count(search: BeamOptions | SamplingOptions | None) -> int:
    """How many rows each text has: one for every sample."""
    return search.num_samples if isinstance(search, SamplingOptions) else 1


def sample_rows(
    rows: Iterable[Mapping[str, InputArray]], search: BeamOptions | SamplingOptions | None
) -> list[dict[str, InputArray]]:
    """The rows of all samples: those of the first text or picture, then those of the second ...

    Args:
        rows: A row for each text, with a `seed` where tokens are drawn.
        search: How outputs are searched for.
    """
    count = sample_count(search)
    if count == 1:
        return [dict(row) for row in rows]
    return [
        {**row, "seed": np.array(seed, np.int32)}
        for row in rows
        for seed in sample_seeds(int(row["seed"]), count)
    ]


def by_text(
    answers: Sequence[Answer], search: BeamOptions | SamplingOptions | None
) -> Iterator[Sequence[Answer]]:
    """The answers to `sample_rows`, those of each text together."""
    count = sample_count(search)
    return (answers[begin : begin + count] for begin in range(0, len(answers), count))


def sample_seeds(seed: int, count: int) -> list[int]:
    """The seeds of a text's samples: all different, and the first is the seed itself.

        seed[i] = seed xor mix(i)        mix: the last step of MurmurHash3 (Appleby 2011)

    Mixing maps 0 to 0 and no two numbers to one, so no two seeds are equal, and more samples
    change none of those before.

    Args:
        seed: int32, any.
        count: 1 or more.

    Example:
        >>> sample_seeds(7, 1)
        [7]
        >>> sample_seeds(7, 3)[:2] == sample_seeds(7, 2)
        True
    """
    return [_signed((seed & _WORD) ^ _mixed(place)) for place in range(count)]


def _mixed(number: int) -> int:
    for shift, multiplier in _MIXING:
        number = ((number ^ (number >> shift)) * multiplier) & _WORD
    return number ^ (number >> _LAST_SHIFT)


def _signed(word: int) -> int:
    """32 bits as int32."""
    return word - (1 << 32) if word >> 31 else word
