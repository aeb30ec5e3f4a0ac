"""Export-time algebra: what can be computed once, with the weights, is not computed at each step.

With normalisation before each part (pre-norm), the sum that runs through a stack is only ever read
through a normalisation, which ignores its mean. The sum is kept in a basis in which the mean is
the last coordinate, and that coordinate is not computed at all: it holds a constant instead,
sqrt(D eps), so that the normalisation becomes a division by the length of the vector:

    norm(h) = scale * sqrt(D) * rotate(h / |h|) + shift     exactly, eps included

Scale, rotation and sqrt(D) are part of the next weights, shift of their bias; the rotation there
leaves the constant coordinate out. What writes to the sum rotates it in its weights.

With normalisation after each part (post-norm), the sum is read as it is, and nothing of this is
valid; the normalisation stays as it is.

Everywhere: 1 / sqrt(D / N) is part of the query's weights. A key's bias adds the same to the
scores of all keys and is dropped. The weights of attention sum to 1, so a value's bias is part of
the bias of the output.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from model_export.config import NormPlacement
from model_export.inference.trained_weights import (
    Affine,
    Array,
    AttentionWeights,
    FeedForwardWeights,
    LayerWeights,
    Norm,
    StackWeights,
    TransformerWeights,
)
from model_export.transformer.residual import EPSILON


@dataclass(frozen=True, slots=True)
class FoldedAttention:
    """An attention after folding.

    Attributes:
        query: [D, D], scaled by 1 / sqrt(D / N).
        keys_values: Keys beside values, [D, 2 D].
        output: [D, D].
        norm: The normalisation after it; none where it is folded.
    """

    query: Affine
    keys_values: Affine
    output: Affine
    norm: Norm | None


@dataclass(frozen=True, slots=True)
class FoldedFeedForward:
    """A feed-forward network after folding; `norm` as of attention."""

    inner: Affine
    outer: Affine
    norm: Norm | None


@dataclass(frozen=True, slots=True)
class FoldedLayer:
    """A layer after folding; `source_attention` is none in an encoder."""

    self_attention: FoldedAttention
    source_attention: FoldedAttention | None
    feed_forward: FoldedFeedForward


@dataclass(frozen=True, slots=True)
class FoldedStack:
    """A stack after folding: vectors of tokens [V, D], of positions [P, D], and layers."""

    tokens: Array
    positions: Array
    layers: tuple[FoldedLayer, ...]


@dataclass(frozen=True, slots=True)
class FoldedTransformer:
    """A Transformer after folding.

    Attributes:
        weights: What it was before.
        encoder: Reads the source.
        decoder: Reads the target so far.
        output: From the decoder's last sum, normalised, to scores, [D, V].
    """

    weights: TransformerWeights
    encoder: FoldedStack
    decoder: FoldedStack
    output: Affine

    @property
    def is_prenorm(self) -> bool:
        """Whether every part divides what it reads by its length."""
        return self.weights.shape.norm is NormPlacement.PRE


def fold(weights: TransformerWeights) -> FoldedTransformer:
    """Does the algebra above."""
    is_prenorm = weights.shape.norm is NormPlacement.PRE
    basis = rotation(weights.shape.width) if is_prenorm else None
    reads_source = _Reader(basis, weights.encoder.final_norm)
    encoder, decoder = (
        _stack(stack, basis, reads_source=reads_source, head_count=weights.shape.head_count)
        for stack in (weights.encoder, weights.decoder)
    )
    return FoldedTransformer(
        weights=weights,
        encoder=encoder,
        decoder=decoder,
        output=_Reader(basis, weights.decoder.final_norm).folded(weights.output),
    )


def rotation(width: int) -> Array:
    """An orthonormal basis [D, D] whose last column is all 1 / sqrt(D): a reflection."""
    direction = np.full(width, width**-0.5)
    direction[-1] -= 1.0
    length = float(direction @ direction) or 1.0  # 0 of width 1
    return np.eye(width) - 2.0 / length * np.outer(direction, direction)


@dataclass(frozen=True, slots=True)
class _Reader:
    """What reads a sum: through a folded normalisation, or as it is."""

    basis: Array | None
    norm: Norm | None

    def folded(self, affine: Affine) -> Affine:
        if self.basis is None or self.norm is None:
            return affine
        width = len(self.basis)
        weight = width**0.5 * (self.basis.T @ (self.norm.scale[:, np.newaxis] * affine.weight))
        weight[-1] = 0.0
        return Affine(weight, self.norm.shift @ affine.weight + affine.bias)


@dataclass(frozen=True, slots=True)
class _Writer:
    """What writes to a sum."""

    basis: Array | None

    def vectors(self, vectors: Array, *, last: float = 0.0) -> Array:
        """Vectors [..., D] in the sum's basis, with the last coordinate that they shall have."""
        if self.basis is None:
            return vectors
        rotated = vectors @ self.basis
        rotated[..., -1] = last
        return rotated

    def folded(self, affine: Affine) -> Affine:
        return Affine(self.vectors(affine.weight), self.vectors(affine.bias))


def _stack(
    stack: StackWeights, basis: Array | None, *, reads_source: _Reader, head_count: int
) -> FoldedStack:
    writer = _Writer(basis)
    constant = (stack.tokens.shape[1] * EPSILON) ** 0.5
    return FoldedStack(
        tokens=writer.vectors(stack.tokens),
        positions=writer.vectors(stack.positions, last=constant),
        layers=tuple(
            _layer(layer, basis, reads_source=reads_source, head_count=head_count)
            for layer in stack.layers
        ),
    )


def _layer(
    layer: LayerWeights, basis: Array | None, *, reads_source: _Reader, head_count: int
) -> FoldedLayer:
    itself = _Reader(basis, layer.self_attention.norm)
    source = layer.source_attention
    return FoldedLayer(
        self_attention=_attention(
            layer.self_attention, basis, reads_memory=itself, head_count=head_count
        ),
        source_attention=None
        if source is None
        else _attention(source, basis, reads_memory=reads_source, head_count=head_count),
        feed_forward=_feed_forward(layer.feed_forward, basis),
    )


def _attention(
    attention: AttentionWeights, basis: Array | None, *, reads_memory: _Reader, head_count: int
) -> FoldedAttention:
    width = len(attention.query.bias)
    scale = (width / head_count) ** -0.5
    query = Affine(attention.query.weight * scale, attention.query.bias * scale)
    key = reads_memory.folded(attention.key)
    value = reads_memory.folded(attention.value)
    output = attention.output
    output = replace(output, bias=output.bias + value.bias @ output.weight)
    return FoldedAttention(
        query=_Reader(basis, attention.norm).folded(query),
        keys_values=Affine(np.concatenate([key.weight, value.weight], axis=1), np.zeros(2 * width)),
        output=_Writer(basis).folded(output),
        norm=None if basis is not None else attention.norm,
    )


def _feed_forward(network: FeedForwardWeights, basis: Array | None) -> FoldedFeedForward:
    return FoldedFeedForward(
        inner=_Reader(basis, network.norm).folded(network.inner),
        outer=_Writer(basis).folded(network.outer),
        norm=None if basis is not None else network.norm,
    )
