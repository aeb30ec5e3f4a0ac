"""The weights of an inference-side decoder."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from model_export.inference.folding import FoldedAttention, FoldedLayer, FoldedTransformer
from model_export.inference.layers import (
    FeedForwardNetwork,
    SelfAttention,
    SourceAttention,
    feed_forward,
    self_attention,
    side_by_side,
    source_attention,
)
from model_export.inference.norms import Normalise, by_length, unchanged
from model_export.inference.products import Product, Products


@dataclass(frozen=True)
class DecoderLayer:
    """A decoder's layer."""

    self_attention: SelfAttention
    source_attention: SourceAttention
    feed_forward: FeedForwardNetwork


@dataclass(frozen=True)
class InferenceDecoder:
    """The weights of a decoder.

    Attributes:
        tokens: A vector for each token, float32 [V, D].
        positions: A vector for each position, float32 [P, D].
        source: From the encoder's values to keys and values of all layers, [D, L * 2 * D].
        layers: Bottom layer first.
        final: What the last sum goes through.
        output: To the scores, [D, V].
    """

    tokens: tf.Variable
    positions: tf.Variable
    source: Product
    layers: tuple[DecoderLayer, ...]
    final: Normalise
    output: Product


def build_decoder(folded: FoldedTransformer, products: Products) -> InferenceDecoder:
    """A decoder from its weights."""
    stack = folded.decoder
    sources = [_source_attention_of(layer).keys_values for layer in stack.layers]
    return InferenceDecoder(
        tokens=products.table("decoder/tokens", stack.tokens),
        positions=products.table("decoder/positions", stack.positions),
        source=products.product("decoder/source", side_by_side(*sources)),
        layers=tuple(
            _layer(products, f"decoder/{index}", layer, folded)
            for index, layer in enumerate(stack.layers)
        ),
        final=by_length if folded.is_prenorm else unchanged,
        output=products.product("decoder/output", folded.output),
    )


def _layer(
    products: Products, name: str, layer: FoldedLayer, folded: FoldedTransformer
) -> DecoderLayer:
    activation = folded.weights.shape.activation
    source = _source_attention_of(layer)
    return DecoderLayer(
        self_attention=self_attention(products, f"{name}/self_attention", layer.self_attention),
        source_attention=source_attention(products, f"{name}/source_attention", source),
        feed_forward=feed_forward(
            products, f"{name}/feed_forward", folded=layer.feed_forward, activation=activation
        ),
    )


def _source_attention_of(layer: FoldedLayer) -> FoldedAttention:
    if layer.source_attention is None:
        raise ValueError("a layer of an encoder is no layer of a decoder")
    return layer.source_attention
