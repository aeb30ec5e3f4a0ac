"""Examples by the length of their sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from model_export.evaluation.evaluate import Judgement
from model_export.evaluation.report.measures import IntArray

_MOST_GROUPS: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class LengthGroup:
    """Examples of similar length.

    Attributes:
        label: Their lengths, for example "5-8".
        indices: Which examples they are, int64, one or more.
    """

    label: str
    indices: IntArray


def source_lengths(judgement: Judgement) -> IntArray:
    """Tokens of each source, int64 [N]; of pictures, the characters that are to be read."""
    if judgement.label_outputs:
        return np.array([len(output.tokens) for output in judgement.label_outputs])
    if any(example.picture is not None for example in judgement.examples):
        return np.array([len(example.references[0]) for example in judgement.examples])
    tokenizer = judgement.run.source_tokenizer
    return np.array([len(tokenizer.encode_ids(example.source)) for example in judgement.examples])


def length_groups(lengths: IntArray, most: int = _MOST_GROUPS) -> list[LengthGroup]:
    """Groups of about as many examples each, shortest first; equal lengths stay together."""
    bounds = np.unique(np.quantile(lengths, np.linspace(0, 1, most + 1)[1:], method="lower"))
    groups = []
    lowest = int(lengths.min())
    for bound in bounds.tolist():
        indices = np.flatnonzero((lengths >= lowest) & (lengths <= bound))
        label = str(bound) if lowest == bound else f"{lowest}–{bound}"
        groups.append(LengthGroup(label, indices))
        lowest = bound + 1
    return groups


def length_ratio(outputs: Sequence[str], references: Sequence[Sequence[str]]) -> float:
    """How long outputs are, as a share of their first references, in characters."""
    written = sum(map(len, outputs))
    return written / max(sum(len(right[0]) for right in references), 1)
