"""The Transformer's equations in NumPy, one query at a time, written from Vaswani et al. 2017."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.support.numpy_reference import softmax

FloatArray = NDArray[np.floating[Any]]
Weights = Mapping[str, Any]
"""Nested: Dense layers as (kernel, bias), normalisations as (scale, shift)."""


def attend(
    query: FloatArray, keys: FloatArray, values: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Eq. 1 for one query [d] that may look at all keys [S, d]: context and weights [S]."""
    weights = softmax(np.array([query @ key for key in keys]) / math.sqrt(len(query)))
    return sum(weight * value for weight, value in zip(weights, values, strict=True)), weights


def multi_head(
    queries: FloatArray,
    inputs: FloatArray,
    *,
    visible: Callable[[int], int],
    weights: Weights,
    head_count: int,
) -> tuple[FloatArray, FloatArray]:
    """3.2.2: contexts [T, D] and weights [N, T, S], 0 where nothing may be seen.

    Args:
        queries: What asks, [T, D].
        inputs: What is looked at, [S, D].
        visible: How many of the first positions query t sees, 1 or more.
        weights: "query", "key", "value" and "output".
        head_count: N.
    """
    projected = {name: inputs @ weights[name][0] + weights[name][1] for name in ("key", "value")}
    asked = queries @ weights["query"][0] + weights["query"][1]
    width = queries.shape[1] // head_count
    all_weights = np.zeros([head_count, len(queries), len(inputs)])
    contexts = np.zeros_like(queries)
    for head in range(head_count):
        part = slice(head * width, (head + 1) * width)
        for t in range(len(queries)):
            seen = visible(t)
            contexts[t, part], all_weights[head, t, :seen] = attend(
                asked[t, part], projected["key"][:seen, part], projected["value"][:seen, part]
            )
    return contexts @ weights["output"][0] + weights["output"][1], all_weights


def layer_norm(x: FloatArray, scale: FloatArray, shift: FloatArray) -> FloatArray:
    """Ba et al. 2016, eq. 4, over the last axis."""
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + 1e-6) * scale + shift


def gelu(x: FloatArray) -> FloatArray:
    """x times the normal distribution's function of x."""
    return x * 0.5 * (1.0 + np.vectorize(math.erf)(x / math.sqrt(2.0)))


def relu(x: FloatArray) -> FloatArray:
    return np.maximum(x, 0.0)


def residual(
    x: FloatArray, part: Callable[[FloatArray], FloatArray], norm: Any, *, pre: bool
) -> FloatArray:
    """3.1 (post-norm), or x + f(norm(x)) (pre-norm)."""
    if pre:
        return x + part(layer_norm(x, *norm))
    return layer_norm(x + part(x), *norm)


def encoder_layer(
    x: FloatArray, weights: Weights, *, head_count: int, pre: bool, activation: Any
) -> FloatArray:
    """Figure 1, left: from [S, D] to [S, D], all positions real."""
    x = residual(
        x,
        lambda y: multi_head(
            y, y, visible=lambda t: len(y), weights=weights["self"], head_count=head_count
        )[0],
        weights["self_norm"],
        pre=pre,
    )
    return _feed_forward(x, weights, pre=pre, activation=activation)


def decoder_layer(
    x: FloatArray,
    source: FloatArray,
    weights: Weights,
    *,
    head_count: int,
    pre: bool,
    activation: Any,
) -> tuple[FloatArray, FloatArray]:
    """Figure 1, right: from [T, D] and the source [S, D] to [T, D] and weights [N, T, S]."""
    x = residual(
        x,
        lambda y: multi_head(
            y, y, visible=lambda t: t + 1, weights=weights["self"], head_count=head_count
        )[0],
        weights["self_norm"],
        pre=pre,
    )
    seen = {}

    def attend_to_source(y: FloatArray) -> FloatArray:
        context, seen["weights"] = multi_head(
            y,
            source,
            visible=lambda t: len(source),
            weights=weights["source"],
            head_count=head_count,
        )
        return context

    x = residual(x, attend_to_source, weights["source_norm"], pre=pre)
    return _feed_forward(x, weights, pre=pre, activation=activation), seen["weights"]


def sinusoid(position: int, width: int) -> FloatArray:
    """3.5: the vector of one position."""
    vector = np.zeros(width)
    for i in range(width // 2):
        vector[2 * i] = math.sin(position / 10000 ** (2 * i / width))
        vector[2 * i + 1] = math.cos(position / 10000 ** (2 * i / width))
    return vector


def _feed_forward(x: FloatArray, weights: Weights, *, pre: bool, activation: Any) -> FloatArray:
    (inner, inner_bias), (outer, outer_bias) = weights["inner"], weights["outer"]
    return residual(
        x,
        lambda y: activation(y @ inner + inner_bias) @ outer + outer_bias,
        weights["feed_forward_norm"],
        pre=pre,
    )


def weights_of(layer: Any) -> dict[str, Any]:
    """The weights of an encoder or decoder layer of `model_export`, by the names used here."""
    is_decoder = hasattr(layer, "source_attention")
    self_attention = layer.self_attention if is_decoder else layer.attention
    self_residual = layer.self_residual if is_decoder else layer.attention_residual
    weights = {
        "self": attention_weights_of(self_attention),
        "self_norm": self_residual.norm.get_weights(),
        "inner": layer.feed_forward.inner.get_weights(),
        "outer": layer.feed_forward.outer.get_weights(),
        "feed_forward_norm": layer.feed_forward_residual.norm.get_weights(),
    }
    if is_decoder:
        weights["source"] = attention_weights_of(layer.source_attention)
        weights["source_norm"] = layer.source_residual.norm.get_weights()
    return weights


def attention_weights_of(attention: Any) -> dict[str, Any]:
    """The weights of a multi-head attention of `model_export`, by the names used here."""
    return {
        name: getattr(attention, f"{name}_projection").get_weights()
        for name in ("query", "key", "value", "output")
    }
