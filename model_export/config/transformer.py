"""What a Transformer looks like."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field, model_validator

from heed.contract import AttentionAverage, AttentionLayer
from model_export.config.family import LayerCount, ModelKind, ModelLimits, Width


class Activation(StrEnum):
    """The bend in the feed-forward network."""

    RELU = "relu"
    GELU = "gelu"


class NormPlacement(StrEnum):
    """What is normalised: each part's input, or the sum of its input and output."""

    PRE = "pre"
    POST = "post"


class PositionKind(StrEnum):
    """Vectors that say where a position is."""

    SINUSOIDAL = "sinusoidal"
    LEARNED = "learned"


class EmbeddingSharing(StrEnum):
    """Which tables of token vectors are one.

    `output` ties the target's vectors to the output layer; `all` takes the source's in as well,
    and needs one tokenizer on both sides.
    """

    NONE = "none"
    OUTPUT = "output"
    ALL = "all"


class TransformerSettings(ModelLimits):
    """A Transformer encoder and decoder, Vaswani et al. 2017.

    Attributes:
        kind: The family.
        encoder_layers: Layers of the encoder.
        decoder_layers: Layers of the decoder.
        width: Width of every position's vector, a multiple of `head_count`.
        feed_forward_width: Width inside the feed-forward networks.
        head_count: Heads of every attention.
        activation: Of the feed-forward networks.
        norm: What is normalised; `post` is the paper's, `pre` trains more steadily.
        positions: Waves, or vectors that are learned up to the longest source and target.
        embeddings: Which tables of token vectors are one.
        averaged_layers: Decoder layers, from 0 at the bottom, whose heads the output `attention`
            averages; none = the last but one, whose heads align source and target best
            (Garg et al. 2019, section 4.1).
    """

    kind: Literal[ModelKind.TRANSFORMER] = ModelKind.TRANSFORMER
    encoder_layers: LayerCount = 4
    decoder_layers: LayerCount = 4
    width: Width = 128
    feed_forward_width: Width = 256
    head_count: int = Field(default=4, ge=1, le=64)
    activation: Activation = Activation.RELU
    norm: NormPlacement = NormPlacement.PRE
    positions: PositionKind = PositionKind.SINUSOIDAL
    embeddings: EmbeddingSharing = EmbeddingSharing.OUTPUT
    averaged_layers: tuple[int, ...] | None = Field(default=None, min_length=1)

    @property
    def attention_layers(self) -> tuple[AttentionLayer, ...]:
        """What the contract says about the attention to the source, bottom layer first."""
        return tuple(
            AttentionLayer(kind="multi_head", layer_index=index, head_count=self.head_count)
            for index in range(self.decoder_layers)
        )

    @property
    def attention_average(self) -> AttentionAverage:
        """What the output `attention` averages."""
        layers = self.averaged_layers or (max(0, self.decoder_layers - 2),)
        names = ", ".join(str(layer) for layer in layers)
        plural = "s" if len(layers) > 1 else ""
        return AttentionAverage(
            layer_indices=layers,
            description=f"all {self.head_count} heads of decoder layer{plural} {names}",
        )

    @model_validator(mode="after")
    def _widths_fit(self) -> TransformerSettings:
        if self.width % self.head_count:
            raise ValueError(f"width {self.width} is no multiple of head_count {self.head_count}")
        if self.positions is PositionKind.SINUSOIDAL and self.width % 2:
            raise ValueError(f"sinusoidal positions need an even width, not {self.width}")
        return self

    @model_validator(mode="after")
    def _averaged_layers_exist(self) -> TransformerSettings:
        layers = self.averaged_layers or ()
        if len(set(layers)) < len(layers) or not set(layers) <= set(range(self.decoder_layers)):
            raise ValueError(
                f"averaged_layers must name different layers from 0 to "
                f"{self.decoder_layers - 1}, not {list(layers)}"
            )
        return self
