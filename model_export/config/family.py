"""What all families of models have in common."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from model_export.config.base import Settings

Width = Annotated[int, Field(ge=1, le=8192)]
LayerCount = Annotated[int, Field(ge=1, le=16)]


class ModelKind(StrEnum):
    """Families of models."""

    RNN = "rnn"
    IMAGE_RNN = "image_rnn"
    TRANSFORMER = "transformer"
    CLASSIFIER = "classifier"


class SourceLimits(Settings):
    """What every family has.

    Attributes:
        dropout: Share of elements dropped in training, 0 to below 1.
        max_source_tokens: The longest source that the exported model accepts, in tokens.
    """

    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    max_source_tokens: int = Field(default=64, ge=1, le=4096)


class ModelLimits(SourceLimits):
    """What every family has that writes an output.

    Attributes:
        dropout: Share of elements dropped in training, 0 to below 1.
        max_source_tokens: The longest source that the exported model accepts, in tokens.
        max_target_tokens: The longest output, in tokens, the end token counted.
    """

    max_target_tokens: int = Field(default=64, ge=2, le=4096)
