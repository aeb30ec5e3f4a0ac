"""Attention that makes one vector of many positions, one mechanism in each file."""

from model_export.attention.pooling.base import AttentionPooling, PooledOutput
from model_export.attention.pooling.build import build_pooling
from model_export.attention.pooling.context_vector import ContextVectorPooling
from model_export.attention.pooling.feed_forward import FeedForwardPooling
from model_export.attention.pooling.local_p_star import LocalPStarPooling
from model_export.attention.pooling.structured import StructuredSelfAttention, redundancy_penalty

__all__ = [
    "AttentionPooling",
    "ContextVectorPooling",
    "FeedForwardPooling",
    "LocalPStarPooling",
    "PooledOutput",
    "StructuredSelfAttention",
    "build_pooling",
    "redundancy_penalty",
]
