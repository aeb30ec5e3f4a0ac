"""Whether two engines wrote the same, and whether what differs was a tie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from pydantic import BaseModel, ConfigDict

from benchmarks.decoding.cases import Search

TIE: Final = 1e-3
"""Two choices are a tie if their log-probabilities differ by no more: float32 rounds differently
where sums are taken in another order."""

Outputs = Sequence[Sequence[int]]
Scorer = Callable[[Sequence[int], Outputs], Sequence[Sequence[float]]]
"""From rows and an output for each to the log-probability of each token."""


class Agreement(BaseModel):
    """How alike the outputs of two engines are.

    Attributes:
        compared: Outputs compared.
        equal: Those that are the same, token for token.
        ties: Those that differ where both choices were as probable as each other.
        own_better: Those left where the own output is the more probable one.
        other_better: Those left where the other's is.
        largest_gap: The largest difference of log-probability among the ties, in nats.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    compared: int
    equal: int
    ties: int = 0
    own_better: int = 0
    other_better: int = 0
    largest_gap: float = 0.0

    @property
    def equal_share(self) -> float:
        """The share of equal outputs, 0 to 1."""
        return self.equal / self.compared

    @property
    def unexplained(self) -> int:
        """Outputs that differ, and not by a tie."""
        return self.own_better + self.other_better

    def __str__(self) -> str:
        text = f"{self.equal} of {self.compared} outputs are equal, token for token"
        if self.ties:
            text += f"; {self.ties} differ at a tie (at most {self.largest_gap:.1g} nats)"
        if self.unexplained:
            text += (
                f"; {self.unexplained} differ otherwise (the own output is the more probable one "
                f"in {self.own_better} of them)"
            )
        return text


def compare_outputs(own: Outputs, other: Outputs, *, search: Search, score: Scorer) -> Agreement:
    """Compares outputs, and asks the model about those that differ.

    Greedy outputs are judged at the first token that differs, behind which they follow different
    prefixes; outputs of a beam by their sums.

    Args:
        own: An output for each source, one or more.
        other: The other's.
        search: How both were found.
        score: Forced scoring, by one model for both.

    Raises:
        ValueError: There are none, or not as many of both.
    """
    if not own or len(own) != len(other):
        raise ValueError(f"{len(own)} outputs beside {len(other)}")
    rows = [row for row in range(len(own)) if list(own[row]) != list(other[row])]
    counts = {"ties": 0, "own_better": 0, "other_better": 0}
    largest = 0.0
    if rows:
        mine = score(rows, [own[row] for row in rows])
        theirs = score(rows, [other[row] for row in rows])
        for row, own_scores, other_scores in zip(rows, mine, theirs, strict=True):
            gap = _gap(own[row], other[row], scores=(own_scores, other_scores), search=search)
            if abs(gap) <= TIE:
                counts["ties"] += 1
                largest = max(largest, abs(gap))
            else:
                counts["own_better" if gap > 0 else "other_better"] += 1
    return Agreement(compared=len(own), equal=len(own) - len(rows), largest_gap=largest, **counts)


def equal_share(own: Outputs, other: Outputs) -> float:
    """The share of outputs that are the same, token for token, 0 to 1; there is one or more."""
    pairs = list(zip(own, other, strict=True))
    return sum(list(mine) == list(theirs) for mine, theirs in pairs) / len(pairs)


def _gap(
    own: Sequence[int],
    other: Sequence[int],
    *,
    scores: tuple[Sequence[float], Sequence[float]],
    search: Search,
) -> float:
    """By how much the own choice is the more probable one, in nats; the own scores come first."""
    own_scores, other_scores = scores
    if search is Search.BEAM:
        return sum(own_scores) - sum(other_scores)
    common = min(len(own), len(other))
    first = next((place for place in range(common) if own[place] != other[place]), None)
    if first is None:  # one goes on where the other stopped at the longest length
        return sum(own_scores) - sum(other_scores)
    return own_scores[first] - other_scores[first]
