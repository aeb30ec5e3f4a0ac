"""The decoder's attention: one settings class for each mechanism, chosen by its kind."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from model_export.config.base import Settings

Units = Annotated[int, Field(ge=1, le=8192)]


class AttentionKind(StrEnum):
    """Attention mechanisms of a recurrent decoder."""

    BAHDANAU = "bahdanau"
    LUONG_DOT = "luong_dot"
    LUONG_GENERAL = "luong_general"
    LUONG_CONCAT = "luong_concat"
    LUONG_LOCATION = "luong_location"
    LUONG_LOCAL_M = "luong_local_m"
    LUONG_LOCAL_P = "luong_local_p"
    XU_SOFT = "xu_soft"
    XU_HARD = "xu_hard"


class HardInference(StrEnum):
    """What hard attention reads when it does not learn."""

    ARGMAX = "argmax"
    SAMPLE = "sample"
    EXPECTATION = "expectation"


class DecoderKind(StrEnum):
    """When a recurrent decoder attends: before its recurrence, or after it."""

    BAHDANAU = "bahdanau"
    LUONG = "luong"


class ScoreKind(StrEnum):
    """Scores of Luong et al. 2015, section 3.1, that depend on the source's content."""

    DOT = "dot"
    GENERAL = "general"
    CONCAT = "concat"


class CoverageKind(StrEnum):
    """How attention knows what it has read, Tu et al. 2016: by counting, or by a vector."""

    COUNT = "count"
    VECTOR = "vector"


class BahdanauSettings(Settings):
    """Additive attention, Bahdanau et al. 2015.

    Attributes:
        kind: The mechanism.
        units: Width of the scoring network.
        coverage: Whether scores see how far each position has been read (Tu et al. 2016); none =
            they do not.
        coverage_width: Width of the coverage vector.
        max_fertility: How often a position may be expected to be read, where that is counted.
    """

    kind: Literal[AttentionKind.BAHDANAU] = AttentionKind.BAHDANAU
    units: Units = 128
    coverage: CoverageKind | None = None
    coverage_width: int = Field(default=10, ge=1, le=1024)
    max_fertility: float = Field(default=2.0, gt=0)


class LuongDotSettings(Settings):
    """Global attention with the score "dot", Luong et al. 2015.

    The decoder's state must be as wide as the encoder's vectors.

    Attributes:
        kind: The mechanism.
    """

    kind: Literal[AttentionKind.LUONG_DOT] = AttentionKind.LUONG_DOT


class LuongGeneralSettings(Settings):
    """Global attention with the score "general", Luong et al. 2015.

    Attributes:
        kind: The mechanism.
    """

    kind: Literal[AttentionKind.LUONG_GENERAL] = AttentionKind.LUONG_GENERAL


class LuongConcatSettings(Settings):
    """Global attention with the score "concat", Luong et al. 2015.

    Attributes:
        kind: The mechanism.
        units: Width of the scoring network.
    """

    kind: Literal[AttentionKind.LUONG_CONCAT] = AttentionKind.LUONG_CONCAT
    units: Units = 128


class LuongLocationSettings(Settings):
    """Global attention whose scores come from the decoder's state alone, Luong et al. 2015.

    Attributes:
        kind: The mechanism.
    """

    kind: Literal[AttentionKind.LUONG_LOCATION] = AttentionKind.LUONG_LOCATION


class _LocalSettings(Settings):
    score: ScoreKind = ScoreKind.GENERAL
    units: Units = 128
    half_width: int = Field(default=10, ge=1, le=4096)
    hard_window: bool = True


class LuongLocalMonotonicSettings(_LocalSettings):
    """Local attention around p_t = t, Luong et al. 2015.

    Attributes:
        kind: The mechanism.
        score: How positions are scored.
        units: Width of the scoring network, for the score "concat".
        half_width: D: the window reaches from p_t - D to p_t + D.
        hard_window: Whether positions outside the window get no weight.
        gaussian: Whether the Gaussian of eq. 10 weakens what is far from p_t. The paper has it
            for local-p alone; without a window it is what makes the attention local.
    """

    kind: Literal[AttentionKind.LUONG_LOCAL_M] = AttentionKind.LUONG_LOCAL_M
    gaussian: bool = False


class LuongLocalPredictiveSettings(_LocalSettings):
    """Local attention around a predicted position, Luong et al. 2015.

    Attributes:
        kind: The mechanism.
        score: How positions are scored.
        units: Width of the networks that predict the position and, for the score "concat", that
            score.
        half_width: D: the window reaches from p_t - D to p_t + D, and sigma is D / 2.
        hard_window: Whether positions outside the window get no weight.
    """

    kind: Literal[AttentionKind.LUONG_LOCAL_P] = AttentionKind.LUONG_LOCAL_P


class XuSoftSettings(Settings):
    """Additive attention with a gate on the context, Xu et al. 2015.

    Attributes:
        kind: The mechanism.
        units: Width of the scoring network.
        gate: Whether the context is scaled by beta_t.
        penalty: lambda of the doubly stochastic penalty; 0 = none.
    """

    kind: Literal[AttentionKind.XU_SOFT] = AttentionKind.XU_SOFT
    units: Units = 128
    gate: bool = True
    penalty: float = Field(default=1.0, ge=0)


class XuHardSettings(Settings):
    """Attention that reads one place at a time, drawn in training, Xu et al. 2015, section 4.1.

    Attributes:
        kind: The mechanism.
        units: Width of the scoring network.
        gate: Whether the context is scaled by beta_t.
        inference: What is read after training: the likeliest place, a drawn one, or the expected
            vector.
        expected_share: Share of the rows that read the expected vector in training.
        reinforce_weight: lambda_r of eq. 11: how much the draws learn from their reward.
        entropy_weight: lambda_e of eq. 11: how much spread-out weights are worth.
        baseline_decay: How slowly the baseline follows the reward; the paper has 0.9.
    """

    kind: Literal[AttentionKind.XU_HARD] = AttentionKind.XU_HARD
    units: Units = 128
    gate: bool = True
    inference: HardInference = HardInference.ARGMAX
    expected_share: float = Field(default=0.5, ge=0, le=1)
    reinforce_weight: float = Field(default=1.0, ge=0)
    entropy_weight: float = Field(default=0.01, ge=0)
    baseline_decay: float = Field(default=0.9, ge=0, lt=1)


def _from_name(value: Any) -> Any:
    """`attention: luong_dot` is short for `attention: {kind: luong_dot}`."""
    return {"kind": value} if isinstance(value, str) else value


AttentionSettings = Annotated[
    BahdanauSettings
    | LuongDotSettings
    | LuongGeneralSettings
    | LuongConcatSettings
    | LuongLocationSettings
    | LuongLocalMonotonicSettings
    | LuongLocalPredictiveSettings
    | XuSoftSettings
    | XuHardSettings,
    Field(discriminator="kind"),
    BeforeValidator(_from_name),
]
"""The settings of one mechanism; its name alone stands for its defaults."""
