"""The options of a search out of a message, and which of them go together. Pure."""

from __future__ import annotations

from typing import Final

from heed.v1 import inference_pb2
from service.domain.requests import BeamOptions, SamplingOptions
from service.errors import FieldViolation, InvalidRequestError

_ONLY_WITH_BEAM: Final = (
    "num_hypotheses",
    "length_penalty",
    "coverage_penalty",
    "no_repeat_ngram_size",
)


def read_search(
    options: inference_pb2.GenerateOptions,
) -> BeamOptions | SamplingOptions | None:
    """How tokens are chosen; None = the most probable at every step.

    Raises:
        InvalidRequestError: Options contradict one another.
    """
    has_beam, has_sampling = options.HasField("beam_width"), options.HasField("sampling")
    if has_beam and has_sampling:
        raise InvalidRequestError.of(
            "options.sampling",
            "cannot be set with options.beam_width: tokens are either searched for or drawn",
        )
    if not has_beam:
        _refuse_beam_options(options)
    if has_beam:
        return _read_beam(options)
    return _read_sampling(options.sampling) if has_sampling else None


def _refuse_beam_options(options: inference_pb2.GenerateOptions) -> None:
    """One hypothesis is what every search gives, so that may be said."""
    violations = [
        FieldViolation(f"options.{name}", _needs_beam(name, options))
        for name in _ONLY_WITH_BEAM
        if options.HasField(name) and not (name == "num_hypotheses" and options.num_hypotheses == 1)
    ]
    if violations:
        raise InvalidRequestError(violations)


def _needs_beam(name: str, options: inference_pb2.GenerateOptions) -> str:
    if name == "num_hypotheses" and options.HasField("sampling"):
        return "goes with options.beam_width: set options.sampling.num_samples for several samples"
    return "needs options.beam_width to be set"


def _read_beam(options: inference_pb2.GenerateOptions) -> BeamOptions:
    return BeamOptions(
        beam_width=options.beam_width,
        num_hypotheses=options.num_hypotheses if options.HasField("num_hypotheses") else 1,
        length_penalty=options.length_penalty,
        coverage_penalty=options.coverage_penalty,
        no_repeat_ngram_size=options.no_repeat_ngram_size,
    )


def _read_sampling(message: inference_pb2.SamplingOptions) -> SamplingOptions:
    return SamplingOptions(
        temperature=message.temperature if message.HasField("temperature") else 1.0,
        top_k=message.top_k,
        top_p=message.top_p if message.HasField("top_p") else 1.0,
        seed=message.seed if message.HasField("seed") else None,
        num_samples=message.num_samples if message.HasField("num_samples") else 1,
    )
