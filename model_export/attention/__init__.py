"""Attention mechanisms, one file each, all with the interface of `base.Attention`."""

from model_export.attention.bahdanau import BahdanauAttention
from model_export.attention.base import Attention, AttentionOutput

__all__ = ["Attention", "AttentionOutput", "BahdanauAttention"]
