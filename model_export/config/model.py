"""What a model looks like: one settings class for each family, chosen by its kind."""

from __future__ import annotations

from abc import abstractmethod
from enum import StrEnum
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from heed.contract import AttentionAverage, AttentionLayer, ImageInput
from model_export.config.attention import (
    AttentionKind,
    AttentionSettings,
    BahdanauSettings,
    DecoderKind,
    LuongLocalMonotonicSettings,
    LuongLocalPredictiveSettings,
    ScoreKind,
)
from model_export.config.base import Settings
from model_export.config.family import LayerCount, ModelKind, ModelLimits, Width
from model_export.config.transformer import TransformerSettings


class CellKind(StrEnum):
    """Recurrences."""

    GRU = "gru"
    LSTM = "lstm"


class RnnDecoderSettings(Settings):
    """A recurrent decoder with attention, whatever it reads.

    Attributes:
        cell: The recurrence.
        decoder_layers: Recurrent layers of the decoder.
        attention: The decoder's attention.
        decoder: When the decoder attends; none = as the attention's paper has it.
        input_feeding: Whether a Luong decoder reads its last attentional vector (section 3.3).
        variational_dropout: Whether dropout drops the same elements at every position of a
            sequence (Gal and Ghahramani 2016); else others at each.
        recurrent_dropout: Share of a recurrence's own state dropped in training, always the same
            elements at every position.
        embedding_width: Width of the token vectors.
        decoder_width: Width of the decoder's state.
        readout_width: Width of what the output layer reads: the readout after a Bahdanau
            decoder, the attentional vector of a Luong decoder.
    """

    cell: CellKind = CellKind.GRU
    decoder_layers: LayerCount = 1
    attention: AttentionSettings = Field(default_factory=BahdanauSettings)
    decoder: DecoderKind | None = None
    input_feeding: bool = True
    variational_dropout: bool = False
    recurrent_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    embedding_width: Width = 128
    decoder_width: Width = 128
    readout_width: Width = 128

    @property
    @abstractmethod
    def value_width(self) -> int:
        """Width of the encoder's vectors, over which the decoder attends."""

    @property
    def decoder_kind(self) -> DecoderKind:
        """When the decoder attends: as `decoder` says, or as the attention's paper has it."""
        if self.decoder is not None:
            return self.decoder
        before = (AttentionKind.BAHDANAU, AttentionKind.XU_SOFT, AttentionKind.XU_HARD)
        return DecoderKind.BAHDANAU if self.attention.kind in before else DecoderKind.LUONG

    @property
    def attention_layers(self) -> tuple[AttentionLayer, ...]:
        """What the contract says about the attention, bottom layer first."""
        return (
            AttentionLayer(
                kind=self.attention.kind,
                layer_index=self.decoder_layers - 1,
                head_count=1,
                normalized=not self._is_local,
            ),
        )

    @property
    def attention_average(self) -> AttentionAverage:
        """What the output `attention` averages."""
        description = "the only layer's only head"
        if self._is_local:
            description += "; local attention: a row of weights need not sum to 1"
        return AttentionAverage(layer_indices=(self.decoder_layers - 1,), description=description)

    @property
    def _is_local(self) -> bool:
        return isinstance(
            self.attention, LuongLocalMonotonicSettings | LuongLocalPredictiveSettings
        )

    @model_validator(mode="after")
    def _dot_needs_equal_widths(self) -> Self:
        attention = self.attention
        is_dot = attention.kind is AttentionKind.LUONG_DOT or (
            isinstance(attention, LuongLocalMonotonicSettings | LuongLocalPredictiveSettings)
            and attention.score is ScoreKind.DOT
        )
        if is_dot and self.decoder_width != self.value_width:
            raise ValueError(
                f"the score dot needs decoder_width {self.value_width}, the width of the "
                f"encoder's vectors, not {self.decoder_width}"
            )
        return self


class RnnSettings(RnnDecoderSettings, ModelLimits):
    """A recurrent encoder and a recurrent decoder with attention.

    `cell` is the recurrence of both sides, `embedding_width` the width of both sides' token
    vectors.

    Attributes:
        kind: The family.
        bidirectional: Whether the encoder also reads from the end.
        encoder_layers: Recurrent layers of the encoder.
        encoder_width: Width of the encoder's state in each direction.
    """

    kind: Literal[ModelKind.RNN] = ModelKind.RNN
    bidirectional: bool = True
    encoder_layers: LayerCount = 1
    encoder_width: Width = 128

    @property
    def value_width(self) -> int:
        """Width of the encoder's vectors, over which the decoder attends."""
        return self.encoder_width * (2 if self.bidirectional else 1)


class ImageRnnSettings(RnnDecoderSettings):
    """A small convolutional encoder of pictures and a recurrent decoder with attention.

    Each convolution sees 3 x 3 positions; after each of the first `poolings` the largest of 2 x 2
    positions is kept. So a place of the grid is 2^`poolings` pixels wide and high.

    Attributes:
        kind: The family.
        dropout: Share of elements dropped in training, 0 to below 1.
        height: Height that pictures are scaled to, in pixels, a multiple of 2^`poolings`.
        max_width: The widest picture at that height, in pixels, likewise.
        channel_count: 1 = brightness alone; 3 = red, green and blue.
        convolutions: Width of each convolution's output, bottom first; the last is the width of
            the annotations.
        poolings: Convolutions after which pairs of rows and of columns become one.
        positions: Whether annotations know their row and column.
        max_target_tokens: The longest output, in tokens, the end token counted.
    """

    kind: Literal[ModelKind.IMAGE_RNN] = ModelKind.IMAGE_RNN
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    height: int = Field(default=32, ge=1, le=1024)
    max_width: int = Field(default=256, ge=1, le=4096)
    channel_count: Literal[1, 3] = 1
    convolutions: tuple[Width, ...] = Field(default=(32, 64, 128), min_length=1, max_length=32)
    poolings: int = Field(default=2, ge=0, le=6)
    positions: bool = True
    max_target_tokens: int = Field(default=64, ge=2, le=4096)

    @property
    def value_width(self) -> int:
        """Width of the annotations, over which the decoder attends."""
        return self.convolutions[-1]

    @property
    def image(self) -> ImageInput:
        """What the contract says about pictures."""
        return ImageInput(
            height=self.height,
            max_width=self.max_width,
            channel_count=self.channel_count,
            cell_height=2**self.poolings,
            cell_width=2**self.poolings,
        )

    @property
    def max_source_tokens(self) -> int:
        """The most places of the grid."""
        return self.image.place_count(self.max_width)

    @model_validator(mode="after")
    def _grid_fits(self) -> Self:
        cell = 2**self.poolings
        for name, size in (("height", self.height), ("max_width", self.max_width)):
            if size % cell:
                raise ValueError(
                    f"{name} {size} is no multiple of {cell}, the size of a place after "
                    f"{self.poolings} poolings"
                )
        if self.poolings > len(self.convolutions):
            raise ValueError(
                f"poolings {self.poolings} needs as many convolutions, not {len(self.convolutions)}"
            )
        if self.positions and self.value_width % 4:
            raise ValueError(
                f"positions need a last convolution whose width is a multiple of 4, not "
                f"{self.value_width}"
            )
        return self


def averaged_indices(settings: RnnDecoderSettings | TransformerSettings) -> tuple[int, ...]:
    """Which of a model's attention layers the output `attention` averages: indices into L."""
    order = [layer.layer_index for layer in settings.attention_layers]
    return tuple(order.index(layer) for layer in settings.attention_average.layer_indices)


ModelSettings: TypeAlias = Annotated[
    RnnSettings | ImageRnnSettings | TransformerSettings, Field(discriminator="kind")
]
"""The settings of a family that writes an output.

Each has the longest source and target, `attention_layers` and `attention_average`.
"""
