"""Searches over a model's steps, and forced scoring."""

from model_export.decoding.beam import beam_search
from model_export.decoding.greedy import greedy_search
from model_export.decoding.hypotheses import Hypotheses, RankedHypotheses
from model_export.decoding.options import (
    BeamOptions,
    DecodingOptions,
    SampleOptions,
    default_beam_options,
    default_options,
)
from model_export.decoding.sampling import sample_search
from model_export.decoding.scoring import TargetScores, score_targets
from model_export.decoding.step_model import StepModel, average_attention

__all__ = [
    "BeamOptions",
    "DecodingOptions",
    "Hypotheses",
    "RankedHypotheses",
    "SampleOptions",
    "StepModel",
    "TargetScores",
    "average_attention",
    "beam_search",
    "default_beam_options",
    "default_options",
    "greedy_search",
    "sample_search",
    "score_targets",
]
