"""Scores: how well a query and a source position match, before any softmax."""

from model_export.attention.scores.additive import AdditiveScore
from model_export.attention.scores.base import Score
from model_export.attention.scores.dot import DotScore
from model_export.attention.scores.general import GeneralScore
from model_export.attention.scores.location import LocationScore

__all__ = ["AdditiveScore", "DotScore", "GeneralScore", "LocationScore", "Score"]
