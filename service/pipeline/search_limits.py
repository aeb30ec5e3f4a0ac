"""Checks of beam and sampling options against a model's contract, naming field and limit. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np

from heed.contract import (
    MAX_COVERAGE_PENALTY,
    MAX_LENGTH_PENALTY,
    MAX_TEMPERATURE,
    MIN_TEMPERATURE,
    Contract,
    Signature,
)
from service.domain.requests import BeamOptions, SamplingOptions
from service.pipeline.limits import Violations

MAX_SAMPLES: Final = 32
"""The most samples of a text in one call."""


def check_search(search: BeamOptions | SamplingOptions | None, contract: Contract) -> None:
    """Checks what a search asks for, and that the model can do it at all.

    Raises:
        InvalidRequestError: The model lacks the search, or an option is out of range.
    """
    violations = Violations()
    match search:
        case BeamOptions():
            if _offers(violations, "options.beam_width", Signature.BEAM, contract=contract):
                _check_beam(violations, search, contract)
        case SamplingOptions():
            if _offers(violations, "options.sampling", Signature.SAMPLE, contract=contract):
                _check_sampling(violations, search, contract)
        case None:
            return
    violations.check()


def _offers(
    violations: Violations, field: str, signature: Signature, *, contract: Contract
) -> bool:
    if signature in contract.signatures:
        return True
    violations.add(
        field,
        f"model {contract.model_name!r} lacks the signature {signature.value!r}: "
        "leave this option out, or export the model again",
    )
    return False


def _check_beam(violations: Violations, beam: BeamOptions, contract: Contract) -> None:
    _check_range(
        violations, "options.beam_width", beam.beam_width, limits=(1, contract.max_beam_width)
    )
    if not 1 <= beam.num_hypotheses <= max(beam.beam_width, 1):
        violations.add(
            "options.num_hypotheses",
            f"must be 1 to beam_width, {beam.beam_width}; got {beam.num_hypotheses}",
        )
    for name, value, most in (
        ("length_penalty", beam.length_penalty, MAX_LENGTH_PENALTY),
        ("coverage_penalty", beam.coverage_penalty, MAX_COVERAGE_PENALTY),
        ("no_repeat_ngram_size", beam.no_repeat_ngram_size, contract.max_target_tokens),
    ):
        _check_range(violations, f"options.{name}", value, limits=(0, most))


def _check_sampling(violations: Violations, sampling: SamplingOptions, contract: Contract) -> None:
    _check_range(
        violations,
        "options.sampling.temperature",
        sampling.temperature,
        limits=(MIN_TEMPERATURE, MAX_TEMPERATURE),
    )
    _check_range(
        violations,
        "options.sampling.num_samples",
        sampling.num_samples,
        limits=(1, MAX_SAMPLES),
    )
    vocabulary_size = contract.target_vocabulary_size
    _check_range(violations, "options.sampling.top_k", sampling.top_k, limits=(0, vocabulary_size))
    if not 0 < sampling.top_p <= 1:
        violations.add(
            "options.sampling.top_p", f"must be above 0 and at most 1, got {sampling.top_p:g}"
        )


def _check_range(
    violations: Violations, field: str, value: float, *, limits: tuple[float, float]
) -> None:
    """Compares as the model will, in float32. NaN is in no range."""
    least, most = limits
    if not np.float32(least) <= value <= np.float32(most):
        violations.add(field, f"must be {least:g} to {most:g}, got {value:g}")
