"""How much work a call is, and who has the least of it. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from service.domain.signatures import Array, PredictTarget

Member = TypeVar("Member")


def padded_tokens(target: PredictTarget, inputs: Mapping[str, Array]) -> int:
    """The tokens that a call makes a model work on: rows x longest x hypotheses, 1 or more."""
    rows = max((len(array) for array in inputs.values() if array.ndim), default=1)
    longest = max((array.shape[1] for array in inputs.values() if array.ndim > 1), default=1)
    return max(rows, 1) * max(longest, 1) * target.beam_width


def least_loaded(
    members: Sequence[Member], load: Callable[[Member], int], rng: random.Random
) -> Member:
    """The member with the least load; one of them at random where several have as little.

    Args:
        members: Whom to choose among, at least one.
        load: Work that a member has not finished.
        rng: Decides between equals: by the list's order the first would get every lone call.
    """
    loads = [load(member) for member in members]
    least = min(loads)
    return rng.choice([member for member, its in zip(members, loads, strict=True) if its == least])
