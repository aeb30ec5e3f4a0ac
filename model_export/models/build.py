"""Models from settings."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.attention import build_attention
from model_export.config import (
    DecoderKind,
    ImageRnnSettings,
    ModelSettings,
    RnnDecoderSettings,
    RnnSettings,
    TransformerSettings,
)
from model_export.decoders import BahdanauDecoder, LuongDecoder, RnnDecoder, build_cells
from model_export.encoders import Encoder, ImageEncoder, RnnEncoder
from model_export.models.seq2seq import Seq2Seq
from model_export.models.transformer import build_transformer
from model_export.rnn_dropout import RnnDropout


def build_model(
    settings: ModelSettings,
    *,
    source_vocabulary_size: int,
    target_vocabulary_size: int,
    seed: int = 1,
) -> Seq2Seq:
    """A model with all its weights, drawn from `seed`.

    Keras' global random state is set to the seed: the same settings give the same weights.

    Args:
        settings: What the model looks like.
        source_vocabulary_size: Number of source ids, 4 or more; 0 of a model of pictures.
        target_vocabulary_size: Number of target ids, 4 or more.
        seed: Decides the weights, and what dropout will drop.
    """
    keras.utils.set_random_seed(seed)
    match settings:
        case RnnSettings():
            encoder: Encoder = _rnn_encoder(settings, source_vocabulary_size)
            model = _rnn_model(settings, encoder, target_vocabulary_size)
        case ImageRnnSettings():
            encoder = _image_encoder(settings)
            model = _rnn_model(settings, encoder, target_vocabulary_size)
        case TransformerSettings():
            model = build_transformer(
                settings, sources=source_vocabulary_size, targets=target_vocabulary_size
            )
    model(
        {
            "tokens": _any_source(settings),
            "lengths": tf.constant([2]),
            "target_inputs": tf.zeros([1, 2], tf.int32),
        }
    )
    return model


def _any_source(settings: ModelSettings) -> tf.Tensor:
    if isinstance(settings, ImageRnnSettings):
        return tf.zeros([1, 2, settings.height, settings.channel_count], tf.uint8)
    return tf.zeros([1, 2], tf.int32)


def _image_encoder(settings: ImageRnnSettings) -> ImageEncoder:
    return ImageEncoder(
        settings.convolutions,
        poolings=settings.poolings,
        positions=settings.positions,
        dropout=settings.dropout,
        name="encoder",
    )


def _rnn_encoder(settings: RnnSettings, vocabulary_size: int) -> RnnEncoder:
    return RnnEncoder(
        vocabulary_size,
        embedding_width=settings.embedding_width,
        width=settings.encoder_width,
        cell=settings.cell,
        layers=settings.encoder_layers,
        bidirectional=settings.bidirectional,
        dropout=_dropout(settings, settings.dropout),
        name="encoder",
    )


def _rnn_model(
    settings: RnnSettings | ImageRnnSettings, encoder: Encoder, vocabulary_size: int
) -> Seq2Seq:
    is_luong = settings.decoder_kind is DecoderKind.LUONG
    return Seq2Seq(
        encoder,
        _rnn_decoder(settings, vocabulary_size),
        target_vocabulary_size=vocabulary_size,
        readout_width=None if is_luong else settings.readout_width,
        dropout=settings.dropout,
        name="seq2seq",
    )


def _dropout(settings: RnnDecoderSettings, inputs: float) -> RnnDropout:
    return RnnDropout(
        inputs=inputs,
        recurrent=settings.recurrent_dropout,
        variational=settings.variational_dropout,
    )


def _rnn_decoder(settings: RnnSettings | ImageRnnSettings, vocabulary_size: int) -> RnnDecoder:
    cells = build_cells(
        settings.cell,
        settings.decoder_width,
        settings.decoder_layers,
        dropout=settings.recurrent_dropout,
    )
    attention = build_attention(
        settings.attention,
        query_width=settings.decoder_width,
        max_source_tokens=settings.max_source_tokens,
    )
    match settings.decoder_kind:
        case DecoderKind.BAHDANAU:
            return BahdanauDecoder(
                vocabulary_size,
                embedding_width=settings.embedding_width,
                cells=cells,
                attention=attention,
                dropout=_dropout(settings, settings.dropout),
                name="decoder",
            )
        case DecoderKind.LUONG:
            return LuongDecoder(
                vocabulary_size,
                embedding_width=settings.embedding_width,
                cells=cells,
                attention=attention,
                attentional_width=settings.readout_width,
                input_feeding=settings.input_feeding,
                dropout=_dropout(settings, settings.dropout),
                name="decoder",
            )
