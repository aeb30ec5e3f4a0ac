"""What a model looks like: one settings class for each family, chosen by its kind."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from heed.contract import AttentionAverage, AttentionLayer
from model_export.config.attention import (
    AttentionKind,
    AttentionSettings,
    BahdanauSettings,
    DecoderKind,
    LuongLocalMonotonicSettings,
    LuongLocalPredictiveSettings,
    ScoreKind,
)
from model_export.config.family import LayerCount, ModelKind, ModelLimits, Width
from model_export.config.transformer import TransformerSettings


class CellKind(StrEnum):
    """Recurrences."""

    GRU = "gru"
    LSTM = "lstm"


class RnnSettings(ModelLimits):
    """A recurrent encoder and a recurrent decoder with attention.

    Attributes:
        kind: The family.
        cell: The recurrence of both sides.
        bidirectional: Whether the encoder also reads from the end.
        encoder_layers: Recurrent layers of the encoder.
        decoder_layers: Recurrent layers of the decoder.
        attention: The decoder's attention.
        decoder: When the decoder attends; none = as the attention's paper has it.
        input_feeding: Whether a Luong decoder reads its last attentional vector (section 3.3).
        variational_dropout: Whether dropout drops the same elements at every position of a
            sequence (Gal and Ghahramani 2016); else others at each.
        recurrent_dropout: Share of a recurrence's own state dropped in training, always the same
            elements at every position.
        embedding_width: Width of the token vectors on both sides.
        encoder_width: Width of the encoder's state in each direction.
        decoder_width: Width of the decoder's state.
        readout_width: Width of what the output layer reads: the readout after a Bahdanau
            decoder, the attentional vector of a Luong decoder.
    """

    kind: Literal[ModelKind.RNN] = ModelKind.RNN
    cell: CellKind = CellKind.GRU
    bidirectional: bool = True
    encoder_layers: LayerCount = 1
    decoder_layers: LayerCount = 1
    attention: AttentionSettings = Field(default_factory=BahdanauSettings)
    decoder: DecoderKind | None = None
    input_feeding: bool = True
    variational_dropout: bool = False
    recurrent_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    embedding_width: Width = 128
    encoder_width: Width = 128
    decoder_width: Width = 128
    readout_width: Width = 128

    @property
    def value_width(self) -> int:
        """Width of the encoder's vectors, over which the decoder attends."""
        return self.encoder_width * (2 if self.bidirectional else 1)

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
    def _dot_needs_equal_widths(self) -> RnnSettings:
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


def averaged_indices(settings: RnnSettings | TransformerSettings) -> tuple[int, ...]:
    """Which of a model's attention layers the output `attention` averages: indices into L."""
    order = [layer.layer_index for layer in settings.attention_layers]
    return tuple(order.index(layer) for layer in settings.attention_average.layer_indices)


ModelSettings: TypeAlias = Annotated[RnnSettings | TransformerSettings, Field(discriminator="kind")]
"""The settings of a family: `ModelLimits`, with `attention_layers` and `attention_average`."""
