"""Pooling from settings."""

from __future__ import annotations

from typing import assert_never

from model_export.attention.pooling.base import AttentionPooling
from model_export.attention.pooling.context_vector import ContextVectorPooling
from model_export.attention.pooling.feed_forward import FeedForwardPooling
from model_export.attention.pooling.local_p_star import LocalPStarPooling
from model_export.attention.pooling.structured import StructuredSelfAttention
from model_export.config import (
    ContextVectorSettings,
    FeedForwardSettings,
    LocalPStarSettings,
    PoolingSettings,
    StructuredSettings,
)


def build_pooling(settings: PoolingSettings, *, name: str = "attention") -> AttentionPooling:
    """The mechanism that the settings describe."""
    match settings:
        case ContextVectorSettings():
            return ContextVectorPooling(settings.units, name=name)
        case FeedForwardSettings():
            return FeedForwardPooling(name=name)
        case StructuredSettings():
            return StructuredSelfAttention(settings.units, hop_count=settings.hop_count, name=name)
        case LocalPStarSettings():
            return LocalPStarPooling(
                settings.units, kept_positions=settings.kept_positions, name=name
            )
        case _:
            assert_never(settings)
