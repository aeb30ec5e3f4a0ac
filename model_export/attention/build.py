"""Attention mechanisms from settings."""

from __future__ import annotations

from typing import assert_never

from model_export.attention.bahdanau import BahdanauAttention
from model_export.attention.bahdanau_coverage import BahdanauCoverageAttention
from model_export.attention.base import Attention
from model_export.attention.coverage import Coverage, CoverageCount, CoverageVector
from model_export.attention.global_attention import GlobalAttention
from model_export.attention.luong_local_m import LuongLocalMonotonicAttention
from model_export.attention.luong_local_p import LuongLocalPredictiveAttention
from model_export.attention.scores import (
    AdditiveScore,
    DotScore,
    GeneralScore,
    LocationScore,
    Score,
)
from model_export.attention.xu_hard import XuHardAttention
from model_export.attention.xu_soft import XuSoftAttention
from model_export.config import (
    AttentionSettings,
    BahdanauSettings,
    CoverageKind,
    LuongConcatSettings,
    LuongDotSettings,
    LuongGeneralSettings,
    LuongLocalMonotonicSettings,
    LuongLocalPredictiveSettings,
    LuongLocationSettings,
    ScoreKind,
    XuHardSettings,
    XuSoftSettings,
)

_NAME = "attention"


def build_attention(
    settings: AttentionSettings, *, query_width: int, max_source_tokens: int
) -> Attention:
    """The mechanism that the settings describe.

    Args:
        settings: Which mechanism, and its parameters.
        query_width: Q, the width of the decoder's state.
        max_source_tokens: The longest source, which the score "location" must know.
    """
    match settings:
        case BahdanauSettings():
            return _additive(settings)
        case XuSoftSettings():
            return XuSoftAttention(settings.units, gate=settings.gate, name=_NAME)
        case XuHardSettings():
            return XuHardAttention(
                settings.units,
                gate=settings.gate,
                inference=settings.inference,
                expected_share=settings.expected_share,
                name=_NAME,
            )
        case LuongLocalMonotonicSettings():
            return LuongLocalMonotonicAttention(
                _content_score(settings.score, units=settings.units, query_width=query_width),
                half_width=settings.half_width,
                hard_window=settings.hard_window,
                gaussian=settings.gaussian,
                name=_NAME,
            )
        case LuongLocalPredictiveSettings():
            return LuongLocalPredictiveAttention(
                _content_score(settings.score, units=settings.units, query_width=query_width),
                units=settings.units,
                half_width=settings.half_width,
                hard_window=settings.hard_window,
                name=_NAME,
            )
        case LuongDotSettings():
            score: Score = DotScore(name="score")
        case LuongGeneralSettings():
            score = GeneralScore(query_width, name="score")
        case LuongConcatSettings():
            score = AdditiveScore(settings.units, name="score")
        case LuongLocationSettings():
            score = LocationScore(max_source_tokens, name="score")
        case _:
            assert_never(settings)
    return GlobalAttention(score, name=_NAME)


def _additive(settings: BahdanauSettings) -> Attention:
    match settings.coverage:
        case None:
            return BahdanauAttention(settings.units, name=_NAME)
        case CoverageKind.COUNT:
            coverage: Coverage = CoverageCount(settings.max_fertility, name="coverage")
        case CoverageKind.VECTOR:
            coverage = CoverageVector(settings.coverage_width, name="coverage")
    return BahdanauCoverageAttention(settings.units, coverage, name=_NAME)


def _content_score(kind: ScoreKind, *, units: int, query_width: int) -> Score:
    match kind:
        case ScoreKind.DOT:
            return DotScore(name="score")
        case ScoreKind.GENERAL:
            return GeneralScore(query_width, name="score")
        case ScoreKind.CONCAT:
            return AdditiveScore(units, name="score")
