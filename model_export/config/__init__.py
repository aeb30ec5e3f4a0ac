"""Recipes: everything that decides how a model is trained, as one checked value."""

from model_export.config.attention import (
    AttentionKind,
    AttentionSettings,
    BahdanauSettings,
    DecoderKind,
    LuongConcatSettings,
    LuongDotSettings,
    LuongGeneralSettings,
    LuongLocalMonotonicSettings,
    LuongLocalPredictiveSettings,
    LuongLocationSettings,
    ScoreKind,
    XuSoftSettings,
)
from model_export.config.data import DataKind, DataSettings
from model_export.config.model import CellKind, ModelKind, ModelSettings, RnnSettings
from model_export.config.recipe import (
    CardSettings,
    EvaluationSettings,
    Recipe,
    RecipeError,
    load_recipe,
    parse_recipe,
    recipe_names,
)
from model_export.config.training import DevMetric, TrainingSettings

__all__ = [
    "AttentionKind",
    "AttentionSettings",
    "BahdanauSettings",
    "CardSettings",
    "CellKind",
    "DataKind",
    "DataSettings",
    "DecoderKind",
    "DevMetric",
    "EvaluationSettings",
    "LuongConcatSettings",
    "LuongDotSettings",
    "LuongGeneralSettings",
    "LuongLocalMonotonicSettings",
    "LuongLocalPredictiveSettings",
    "LuongLocationSettings",
    "ModelKind",
    "ModelSettings",
    "Recipe",
    "RecipeError",
    "RnnSettings",
    "ScoreKind",
    "TrainingSettings",
    "XuSoftSettings",
    "load_recipe",
    "parse_recipe",
    "recipe_names",
]
