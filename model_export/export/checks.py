"""What a check of a version looks at, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from heed.contract import Contract, Precision
from model_export.export.batching import source_lengths
from model_export.export.graph_session import GraphSession
from model_export.export.reference_cases import ReferenceCase


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A check that passed.

    Attributes:
        check: What was checked.
        compared: How much, in words.
        largest_difference: Of any two numbers; none where nothing was measured.
        bound: The most that it may be; none where nothing was measured.
    """

    check: str
    compared: str
    largest_difference: float | None = None
    bound: float | None = None


@dataclass(frozen=True, slots=True)
class Version:
    """What the checks look at."""

    directory: Path
    contract: Contract
    session: GraphSession
    cases: tuple[ReferenceCase, ...]

    def places_of(self, source_length: int) -> int:
        """Source positions that attention is over: tokens, or places of a picture's grid."""
        image = self.contract.image
        return source_length if image is None else image.place_count(source_length)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How far numbers may lie apart in a number format, whatever the model and its input.

    Attributes:
        log_probability: Of a token, in nats.
        mean_log_probability: The mean over all tokens of a check, in nats.
        attention: Of a weight.
    """

    log_probability: float
    mean_log_probability: float
    attention: float


BOUNDS: Final[Mapping[Precision, Bounds]] = MappingProxyType(
    {
        Precision.FLOAT16: Bounds(0.05, 0.01, 0.02),
        Precision.BFLOAT16: Bounds(0.4, 0.05, 0.1),
        Precision.INT8: Bounds(1.0, 0.2, 0.2),
    }
)
"""float32 has 0.0001 for every number: `comparison.TOLERANCE`."""


def row_count(case: ReferenceCase) -> int:
    """Rows of a request."""
    return len(source_lengths(case.inputs))
