"""The Transformer from its settings."""

from __future__ import annotations

import keras

from model_export.config import EmbeddingSharing, PositionKind, TransformerSettings
from model_export.decoders.transformer_decoder import TransformerDecoder
from model_export.encoders.transformer_encoder import TransformerEncoder
from model_export.models.seq2seq import Seq2Seq
from model_export.transformer import (
    LayerShape,
    LearnedPositions,
    PositionedEmbedding,
    SinusoidalPositions,
    TiedOutput,
    TokenEmbedding,
)


def build_transformer(settings: TransformerSettings, *, sources: int, targets: int) -> Seq2Seq:
    """Encoder, decoder and output layer of Vaswani et al. 2017, figure 1; weights are not made.

    Args:
        settings: What the model looks like.
        sources: Number of source ids.
        targets: Number of target ids.

    Raises:
        ValueError: Source and target shall share their vectors, but have not as many ids.
    """
    target_tokens = TokenEmbedding(targets, width=settings.width, name="tokens")
    source_tokens = target_tokens
    if settings.embeddings is not EmbeddingSharing.ALL:
        source_tokens = TokenEmbedding(sources, width=settings.width, name="tokens")
    elif sources != targets:
        raise ValueError(f"{sources} source ids and {targets} target ids cannot share vectors")
    encoder = TransformerEncoder(
        _embedding(source_tokens, settings, max_length=settings.max_source_tokens),
        layer_count=settings.encoder_layers,
        shape=_shape(settings),
        name="encoder",
    )
    decoder = TransformerDecoder(
        _embedding(target_tokens, settings, max_length=settings.max_target_tokens),
        layer_count=settings.decoder_layers,
        shape=_shape(settings),
        name="decoder",
    )
    is_tied = settings.embeddings is not EmbeddingSharing.NONE
    return Seq2Seq(
        encoder,
        decoder,
        target_vocabulary_size=targets,
        readout_width=None,
        output_projection=TiedOutput(target_tokens, name="output_projection") if is_tied else None,
        name="transformer",
    )


def _shape(settings: TransformerSettings) -> LayerShape:
    return LayerShape(
        width=settings.width,
        feed_forward_width=settings.feed_forward_width,
        head_count=settings.head_count,
        dropout=settings.dropout,
        activation=settings.activation,
        norm=settings.norm,
    )


def _embedding(
    tokens: TokenEmbedding, settings: TransformerSettings, *, max_length: int
) -> PositionedEmbedding:
    positions: keras.layers.Layer
    if settings.positions is PositionKind.SINUSOIDAL:
        positions = SinusoidalPositions(settings.width, name="positions")
    else:
        positions = LearnedPositions(settings.width, max_length=max_length, name="positions")
    return PositionedEmbedding(tokens, positions, dropout=settings.dropout, name="embedding")
