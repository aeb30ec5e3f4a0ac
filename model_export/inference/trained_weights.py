"""The weights of a trained Transformer as arrays, whatever layers they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from model_export.attention.multi_head import MultiHeadAttention
from model_export.config import NormPlacement
from model_export.decoders.transformer_decoder import TransformerDecoder, TransformerDecoderLayer
from model_export.encoders.transformer_encoder import TransformerEncoder, TransformerEncoderLayer
from model_export.models import Seq2Seq
from model_export.transformer import FeedForward, LayerShape, PositionedEmbedding, TiedOutput

Array = NDArray[np.float64]
"""Weights are changed in float64, and rounded once, when they are stored."""


@dataclass(frozen=True, slots=True)
class Affine:
    """x W + b: weight [I, O] and bias [O]."""

    weight: Array
    bias: Array


@dataclass(frozen=True, slots=True)
class Norm:
    """Layer normalisation: scale [D] and shift [D]."""

    scale: Array
    shift: Array


@dataclass(frozen=True, slots=True)
class AttentionWeights:
    """The four projections of a multi-head attention, and the normalisation beside it."""

    query: Affine
    key: Affine
    value: Affine
    output: Affine
    norm: Norm


@dataclass(frozen=True, slots=True)
class FeedForwardWeights:
    """The two products of a feed-forward network, and the normalisation beside it."""

    inner: Affine
    outer: Affine
    norm: Norm


@dataclass(frozen=True, slots=True)
class LayerWeights:
    """A layer of an encoder, where `source_attention` is none, or of a decoder."""

    self_attention: AttentionWeights
    source_attention: AttentionWeights | None
    feed_forward: FeedForwardWeights


@dataclass(frozen=True, slots=True)
class StackWeights:
    """An encoder or a decoder.

    Attributes:
        tokens: A vector for each token, scaled as the layers read it, [V, D].
        positions: A vector for each position, [P, D].
        layers: Bottom layer first.
        final_norm: What closes a pre-norm stack; none of a post-norm one.
    """

    tokens: Array
    positions: Array
    layers: tuple[LayerWeights, ...]
    final_norm: Norm | None


@dataclass(frozen=True, slots=True)
class TransformerWeights:
    """All weights of a Transformer, and what its layers are like.

    Attributes:
        shape: Widths, heads, activation and norm of every layer.
        encoder: Reads the source.
        decoder: Reads the target so far.
        output: From the decoder's features to scores, [D, V].
    """

    shape: LayerShape
    encoder: StackWeights
    decoder: StackWeights
    output: Affine


def is_transformer(model: object) -> bool:
    """Whether a model is one whose weights `trained_weights` can read."""
    return isinstance(model, Seq2Seq) and isinstance(model.decoder, TransformerDecoder)


def trained_weights(
    model: Seq2Seq, *, max_source_tokens: int, max_target_tokens: int
) -> TransformerWeights:
    """The weights of a trained Transformer.

    Args:
        model: A Transformer: see `is_transformer`.
        max_source_tokens: Source positions that are to have a vector.
        max_target_tokens: Target positions that are to have one.
    """
    encoder, decoder = model.encoder, model.decoder
    if not isinstance(encoder, TransformerEncoder) or not isinstance(decoder, TransformerDecoder):
        raise TypeError(f"{type(model.decoder).__name__} is no decoder of a Transformer")
    return TransformerWeights(
        shape=decoder.shape,
        encoder=StackWeights(
            tokens=_tokens(encoder.embedding),
            positions=_positions(encoder.embedding, max_source_tokens),
            layers=tuple(_encoder_layer(layer) for layer in encoder.layers),
            final_norm=_final_norm(encoder.final_norm, decoder.shape),
        ),
        decoder=StackWeights(
            tokens=_tokens(decoder.embedding),
            positions=_positions(decoder.embedding, max_target_tokens),
            layers=tuple(_decoder_layer(layer) for layer in decoder.layers),
            final_norm=_final_norm(decoder.final_norm, decoder.shape),
        ),
        output=_output(model.output_projection),
    )


def _encoder_layer(layer: TransformerEncoderLayer) -> LayerWeights:
    return LayerWeights(
        self_attention=_attention(layer.attention, layer.attention_residual.norm),
        source_attention=None,
        feed_forward=_feed_forward(layer.feed_forward, layer.feed_forward_residual.norm),
    )


def _decoder_layer(layer: TransformerDecoderLayer) -> LayerWeights:
    return LayerWeights(
        self_attention=_attention(layer.self_attention, layer.self_residual.norm),
        source_attention=_attention(layer.source_attention, layer.source_residual.norm),
        feed_forward=_feed_forward(layer.feed_forward, layer.feed_forward_residual.norm),
    )


def _attention(
    layer: MultiHeadAttention, norm: keras.layers.LayerNormalization
) -> AttentionWeights:
    return AttentionWeights(
        query=_affine(layer.query_projection),
        key=_affine(layer.key_projection),
        value=_affine(layer.value_projection),
        output=_affine(layer.output_projection),
        norm=_norm(norm),
    )


def _feed_forward(layer: FeedForward, norm: keras.layers.LayerNormalization) -> FeedForwardWeights:
    return FeedForwardWeights(_affine(layer.inner), _affine(layer.outer), _norm(norm))


def _final_norm(layer: keras.layers.Layer, shape: LayerShape) -> Norm | None:
    return _norm(layer) if shape.norm is NormPlacement.PRE else None


def _tokens(embedding: PositionedEmbedding) -> Array:
    tokens = embedding.tokens
    return _array(tokens.table.embeddings) * tokens.width**0.5


def _positions(embedding: PositionedEmbedding, count: int) -> Array:
    return _array(tf.cast(embedding.positions(tf.range(count)), tf.float32))


def _output(layer: keras.layers.Layer) -> Affine:
    if isinstance(layer, TiedOutput):
        table = _array(layer.embedding.table.embeddings)
        return Affine(table.T, np.zeros(len(table)))
    return _affine(layer)


def _affine(layer: keras.layers.Dense) -> Affine:
    return Affine(_array(layer.kernel), _array(layer.bias))


def _norm(layer: keras.layers.LayerNormalization) -> Norm:
    return Norm(_array(layer.gamma), _array(layer.beta))


def _array(variable: Any) -> Array:
    return np.asarray(variable.numpy(), np.float64)
