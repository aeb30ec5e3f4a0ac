"""Attention mechanisms, one file each, all with the interface of `base.Attention`."""

from model_export.attention.bahdanau import BahdanauAttention
from model_export.attention.bahdanau_coverage import BahdanauCoverageAttention
from model_export.attention.base import Attention, AttentionOutput, Choice, State
from model_export.attention.build import build_attention
from model_export.attention.global_attention import GlobalAttention
from model_export.attention.luong_local_m import LuongLocalMonotonicAttention
from model_export.attention.luong_local_p import LuongLocalPredictiveAttention
from model_export.attention.xu_hard import XuHardAttention
from model_export.attention.xu_soft import XuSoftAttention

__all__ = [
    "Attention",
    "AttentionOutput",
    "BahdanauAttention",
    "BahdanauCoverageAttention",
    "Choice",
    "GlobalAttention",
    "LuongLocalMonotonicAttention",
    "LuongLocalPredictiveAttention",
    "State",
    "XuHardAttention",
    "XuSoftAttention",
    "build_attention",
]
