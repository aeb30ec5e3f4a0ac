"""What a classifier looks like."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field, model_validator

from heed.contract import AttentionAverage, AttentionLayer, SentenceLimits
from model_export.config.base import Settings
from model_export.config.family import LayerCount, ModelKind, SourceLimits, Width
from model_export.config.model import CellKind, ImageRnnSettings, RnnSettings
from model_export.config.pooling import ContextVectorSettings, PoolingSettings
from model_export.config.transformer import (
    Activation,
    NormPlacement,
    PositionKind,
    TransformerSettings,
)


class RnnEncoderSettings(Settings):
    """A recurrent encoder.

    Attributes:
        kind: The family.
        cell: The recurrence.
        bidirectional: Whether it also reads from the end.
        layers: Recurrent layers.
        embedding_width: Width of the token vectors.
        width: Width of the state in each direction.
    """

    kind: Literal[ModelKind.RNN] = ModelKind.RNN
    cell: CellKind = CellKind.GRU
    bidirectional: bool = True
    layers: LayerCount = 1
    embedding_width: Width = 128
    width: Width = 128


class TransformerEncoderSettings(Settings):
    """A stack of self-attention layers.

    Attributes:
        kind: The family.
        layers: Layers.
        width: Width of every position's vector, a multiple of `head_count`.
        feed_forward_width: Width inside the feed-forward networks.
        head_count: Heads of every self-attention.
        activation: Of the feed-forward networks.
        norm: What is normalised.
        positions: Waves, or vectors that are learned up to the longest source.
    """

    kind: Literal[ModelKind.TRANSFORMER] = ModelKind.TRANSFORMER
    layers: LayerCount = 2
    width: Width = 128
    feed_forward_width: Width = 256
    head_count: int = Field(default=4, ge=1, le=64)
    activation: Activation = Activation.RELU
    norm: NormPlacement = NormPlacement.PRE
    positions: PositionKind = PositionKind.SINUSOIDAL

    @model_validator(mode="after")
    def _widths_fit(self) -> TransformerEncoderSettings:
        if self.width % self.head_count:
            raise ValueError(f"width {self.width} is no multiple of head_count {self.head_count}")
        if self.positions is PositionKind.SINUSOIDAL and self.width % 2:
            raise ValueError(f"sinusoidal positions need an even width, not {self.width}")
        return self


EncoderSettings: TypeAlias = Annotated[
    RnnEncoderSettings | TransformerEncoderSettings, Field(discriminator="kind")
]


class SentenceSettings(Settings):
    """The upper half of a hierarchical classifier, Yang et al. 2016: sentences to a document.

    Attributes:
        max_count: The most sentences of a text; one with more is read in even parts.
        max_tokens: The most tokens of a sentence; longer ones are split.
        cell: The recurrence that reads the sentence vectors, in both directions.
        width: Width of its state in each direction.
        attention: How sentences are weighed; with several hops, all of them make the document.
    """

    max_count: int = Field(default=64, ge=1, le=1024)
    max_tokens: int = Field(default=64, ge=1, le=4096)
    cell: CellKind = CellKind.GRU
    width: Width = 64
    attention: PoolingSettings = Field(default_factory=ContextVectorSettings)

    @property
    def limits(self) -> SentenceLimits:
        """What the contract says about sentences."""
        return SentenceLimits(max_count=self.max_count, max_tokens=self.max_tokens)


class ClassifierSettings(SourceLimits):
    """An encoder, attention that makes one vector of its states, and a layer for the labels.

    Attributes:
        kind: The family.
        encoder: What reads the tokens.
        attention: How tokens are weighed; in a hierarchical model, within their sentence.
        hidden_width: Width of a layer between the vector and the labels; none = no such layer.
        sentences: The upper half of a hierarchical model; none = the tokens are read as one
            sequence.
    """

    max_target_tokens: ClassVar[int] = 0
    """A classifier writes nothing."""

    kind: Literal[ModelKind.CLASSIFIER] = ModelKind.CLASSIFIER
    encoder: EncoderSettings = Field(default_factory=RnnEncoderSettings)
    attention: PoolingSettings = Field(default_factory=ContextVectorSettings)
    hidden_width: Width | None = None
    sentences: SentenceSettings | None = None

    @model_validator(mode="after")
    def _sentences_hold_a_text(self) -> ClassifierSettings:
        sentences = self.sentences
        if sentences and sentences.max_count * sentences.max_tokens < self.max_source_tokens:
            raise ValueError(
                f"{sentences.max_count} sentences of {sentences.max_tokens} tokens cannot hold "
                f"max_source_tokens {self.max_source_tokens}"
            )
        return self

    @property
    def attention_layers(self) -> tuple[AttentionLayer, ...]:
        """What the contract says about the attention: over the tokens, then over sentences."""
        parts = [self.attention]
        if self.sentences is not None:
            parts.append(self.sentences.attention)
        return tuple(
            AttentionLayer(kind=part.kind, layer_index=index, head_count=part.head_count)
            for index, part in enumerate(parts)
        )

    @property
    def attention_average(self) -> AttentionAverage:
        """What the output `attention` averages."""
        count = self.attention.head_count
        words = "the only weight" if count == 1 else f"the mean over {count} hops"
        if self.sentences is None:
            return AttentionAverage(layer_indices=(0,), description=f"{words} of each token")
        return AttentionAverage(
            layer_indices=(0, 1),
            description=f"{words} of each token within its sentence, times its sentence's",
        )


AnyModelSettings: TypeAlias = Annotated[
    RnnSettings | ImageRnnSettings | TransformerSettings | ClassifierSettings,
    Field(discriminator="kind"),
]
"""The settings of any family."""
