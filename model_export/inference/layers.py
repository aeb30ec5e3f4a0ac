"""The parts of a Transformer's layers: products, and the normalisation before or after them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from model_export.config import Activation
from model_export.inference.folding import FoldedAttention, FoldedFeedForward
from model_export.inference.norms import AffineNorm, Normalise, by_length, unchanged
from model_export.inference.products import Product, Products
from model_export.inference.trained_weights import Affine, Norm


@dataclass(frozen=True)
class Residual:
    """What surrounds a part: `before` what it reads, `after` the sum with what it writes."""

    before: Normalise
    after: Normalise


@dataclass(frozen=True)
class SelfAttention:
    """Attention of a sequence to itself; queries, keys and values are one product."""

    projections: Product
    output: Product
    residual: Residual


@dataclass(frozen=True)
class SourceAttention:
    """Attention to the source, whose keys and values are computed once for all layers."""

    query: Product
    output: Product
    residual: Residual


@dataclass(frozen=True)
class FeedForwardNetwork:
    """Two products."""

    inner: Product
    outer: Product
    residual: Residual

    def __call__(self, hidden: tf.Tensor) -> tf.Tensor:
        """The sum after the part, from the sum before it, float32 [R, D]."""
        inner = self.inner(self.residual.before(hidden))
        return self.residual.after(self.outer.added_to(hidden, inner))


def self_attention(products: Products, name: str, folded: FoldedAttention) -> SelfAttention:
    """The part from its weights."""
    return SelfAttention(
        projections=products.product(
            f"{name}/projections", side_by_side(folded.query, folded.keys_values)
        ),
        output=products.product(f"{name}/output", folded.output),
        residual=_residual(products, name, folded.norm),
    )


def source_attention(products: Products, name: str, folded: FoldedAttention) -> SourceAttention:
    """The part from its weights."""
    return SourceAttention(
        query=products.product(f"{name}/query", folded.query),
        output=products.product(f"{name}/output", folded.output),
        residual=_residual(products, name, folded.norm),
    )


def feed_forward(
    products: Products, name: str, *, folded: FoldedFeedForward, activation: Activation
) -> FeedForwardNetwork:
    """The part from its weights."""
    return FeedForwardNetwork(
        inner=products.product(f"{name}/inner", folded.inner, activation=activation),
        outer=products.product(f"{name}/outer", folded.outer),
        residual=_residual(products, name, folded.norm),
    )


def side_by_side(*affines: Affine) -> Affine:
    """Several products of the same rows as one: their columns beside each other."""
    return Affine(
        np.concatenate([affine.weight for affine in affines], axis=1),
        np.concatenate([affine.bias for affine in affines]),
    )


def _residual(products: Products, name: str, norm: Norm | None) -> Residual:
    if norm is None:
        return Residual(before=by_length, after=unchanged)
    return Residual(before=unchanged, after=AffineNorm(products, f"{name}/norm", norm))
