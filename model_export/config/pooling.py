"""A classifier's attention: one settings class for each mechanism, chosen by its kind."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from model_export.config.base import Settings

Units = Annotated[int, Field(ge=1, le=8192)]


class PoolingKind(StrEnum):
    """Attention that makes one vector of many positions."""

    CONTEXT_VECTOR = "context_vector"
    FEED_FORWARD = "feed_forward"
    STRUCTURED = "structured"
    LOCAL_P_STAR = "local_p_star"


class _PoolingSettings(Settings):
    @property
    def head_count(self) -> int:
        """Sets of weights over the positions: the hops of structured self-attention, else 1."""
        return 1


class ContextVectorSettings(_PoolingSettings):
    """A learned vector asks every position, Yang et al. 2016.

    Attributes:
        kind: The mechanism.
        units: Width of the scoring network.
    """

    kind: Literal[PoolingKind.CONTEXT_VECTOR] = PoolingKind.CONTEXT_VECTOR
    units: Units = 128


class FeedForwardSettings(_PoolingSettings):
    """A function of each position alone, Raffel and Ellis 2015.

    Attributes:
        kind: The mechanism.
    """

    kind: Literal[PoolingKind.FEED_FORWARD] = PoolingKind.FEED_FORWARD


class StructuredSettings(_PoolingSettings):
    """Several hops, Lin et al. 2017.

    Attributes:
        kind: The mechanism.
        units: Width of the scoring network.
        hop_count: Sets of weights over the positions.
        penalty: What the loss adds for hops that look at the same positions; 0 = nothing.
    """

    kind: Literal[PoolingKind.STRUCTURED] = PoolingKind.STRUCTURED
    units: Units = 128
    hop_count: int = Field(default=4, ge=1, le=64)
    penalty: float = Field(default=0.1, ge=0)

    @property
    def head_count(self) -> int:
        """The hops."""
        return self.hop_count


class LocalPStarSettings(_PoolingSettings):
    """The few positions that a predictor thinks most of, after local-p of Luong et al. 2015.

    Attributes:
        kind: The mechanism.
        units: Width of the predictor.
        kept_positions: The most positions that get any weight.
    """

    kind: Literal[PoolingKind.LOCAL_P_STAR] = PoolingKind.LOCAL_P_STAR
    units: Units = 128
    kept_positions: int = Field(default=5, ge=1, le=4096)


def _from_name(value: Any) -> Any:
    """`attention: feed_forward` is short for `attention: {kind: feed_forward}`."""
    return {"kind": value} if isinstance(value, str) else value


PoolingSettings: TypeAlias = Annotated[
    ContextVectorSettings | FeedForwardSettings | StructuredSettings | LocalPStarSettings,
    Field(discriminator="kind"),
    BeforeValidator(_from_name),
]
"""The settings of one mechanism; its name alone stands for its defaults."""
