"""Columns of like size for 8-bit numbers, which have one step for a whole row.

A product's input columns may be divided by numbers and its weight's rows multiplied by them, where
what makes the columns can take the division in: values of attention, and networks with ReLU, which
keeps positive factors. The factors share the spread between input and weight, as SmoothQuant does
(Xiao et al. 2023, eq. 4, alpha = 1/2); in exact arithmetic nothing changes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model_export.config import Activation
from model_export.inference.calibration import Statistics
from model_export.inference.folding import (
    FoldedAttention,
    FoldedFeedForward,
    FoldedLayer,
    FoldedStack,
    FoldedTransformer,
)
from model_export.inference.trained_weights import Affine, Array


def equalised(folded: FoldedTransformer, statistics: Statistics) -> FoldedTransformer:
    """The same model with columns of like size before every product that can have them."""
    is_relu = folded.weights.shape.activation is Activation.RELU
    return replace(
        folded,
        encoder=_stack("encoder", folded.encoder, statistics, is_relu=is_relu),
        decoder=_stack("decoder", folded.decoder, statistics, is_relu=is_relu),
    )


def _stack(name: str, stack: FoldedStack, statistics: Statistics, *, is_relu: bool) -> FoldedStack:
    layers = tuple(
        _layer(f"{name}/{index}", layer, statistics, is_relu=is_relu)
        for index, layer in enumerate(stack.layers)
    )
    return replace(stack, layers=layers)


def _layer(name: str, layer: FoldedLayer, statistics: Statistics, *, is_relu: bool) -> FoldedLayer:
    source, network = layer.source_attention, layer.feed_forward
    if source is not None:
        source = _attention(source, statistics[f"{name}/source_attention/output"].most)
    if is_relu:
        network = _network(network, statistics[f"{name}/feed_forward/outer"].most)
    return FoldedLayer(
        self_attention=_attention(
            layer.self_attention, statistics[f"{name}/self_attention/output"].most
        ),
        source_attention=source,
        feed_forward=network,
    )


def _attention(attention: FoldedAttention, most: Array) -> FoldedAttention:
    factors = _factors(most, attention.output.weight)
    both = np.concatenate([np.ones_like(factors), factors])
    return replace(
        attention,
        keys_values=_divided(attention.keys_values, both),
        output=_multiplied(attention.output, factors),
    )


def _network(network: FoldedFeedForward, most: Array) -> FoldedFeedForward:
    factors = _factors(most, network.outer.weight)
    return replace(
        network,
        inner=_divided(network.inner, factors),
        outer=_multiplied(network.outer, factors),
    )


def _factors(most: Array, weight: Array) -> Array:
    """What each column is divided by; 1 where either side is 0."""
    weights = np.abs(weight).max(axis=1)
    is_used = (most > 0) & (weights > 0)
    ratio = np.divide(most, weights, out=np.ones_like(weights), where=is_used)
    return np.sqrt(ratio)


def _divided(affine: Affine, factors: Array) -> Affine:
    return Affine(affine.weight / factors, affine.bias / factors)


def _multiplied(affine: Affine, factors: Array) -> Affine:
    return Affine(factors[:, np.newaxis] * affine.weight, affine.bias)
