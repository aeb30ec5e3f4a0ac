"""Searches over a model's steps, and forced scoring."""

from model_export.decoding.greedy import greedy_search
from model_export.decoding.hypotheses import Hypotheses
from model_export.decoding.options import DecodingOptions, default_options
from model_export.decoding.scoring import TargetScores, score_targets
from model_export.decoding.step_model import StepModel, average_attention

__all__ = [
    "DecodingOptions",
    "Hypotheses",
    "StepModel",
    "TargetScores",
    "average_attention",
    "default_options",
    "greedy_search",
    "score_targets",
]
