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
from model_export.config.family import ModelKind
from model_export.config.model import CellKind, ModelSettings, RnnSettings
from model_export.config.pooling import (
    ContextVectorSettings,
    FeedForwardSettings,
    LocalPStarSettings,
    PoolingKind,
    PoolingSettings,
    StructuredSettings,
)
from model_export.config.recipe import (
    BleuTokenizer,
    CardSettings,
    EvaluationSettings,
    Recipe,
    RecipeError,
    load_recipe,
    parse_recipe,
    recipe_names,
)
from model_export.config.training import DevMetric, RateSchedule, TrainingSettings
from model_export.config.transformer import (
    Activation,
    EmbeddingSharing,
    NormPlacement,
    PositionKind,
    TransformerSettings,
)

__all__ = [
    "Activation",
    "AttentionKind",
    "AttentionSettings",
    "BahdanauSettings",
    "BleuTokenizer",
    "CardSettings",
    "CellKind",
    "ContextVectorSettings",
    "DataKind",
    "DataSettings",
    "DecoderKind",
    "DevMetric",
    "EmbeddingSharing",
    "EvaluationSettings",
    "FeedForwardSettings",
    "LocalPStarSettings",
    "LuongConcatSettings",
    "LuongDotSettings",
    "LuongGeneralSettings",
    "LuongLocalMonotonicSettings",
    "LuongLocalPredictiveSettings",
    "LuongLocationSettings",
    "ModelKind",
    "ModelSettings",
    "NormPlacement",
    "PoolingKind",
    "PoolingSettings",
    "PositionKind",
    "RateSchedule",
    "Recipe",
    "RecipeError",
    "RnnSettings",
    "ScoreKind",
    "StructuredSettings",
    "TrainingSettings",
    "TransformerSettings",
    "XuSoftSettings",
    "load_recipe",
    "parse_recipe",
    "recipe_names",
]
