"""Layer normalisation as it remains after folding."""

from __future__ import annotations

from typing import Protocol

import tensorflow as tf

from model_export.inference.products import Products
from model_export.inference.trained_weights import Norm
from model_export.transformer.residual import EPSILON


class Normalise(Protocol):
    """A function of rows, float32 [R, D] to [R, D]."""

    def __call__(self, rows: tf.Tensor) -> tf.Tensor:
        """The rows, normalised."""


def by_length(rows: tf.Tensor) -> tf.Tensor:
    """Divides rows h by their length; never 0 / 0: one coordinate of a folded sum is above 0."""
    return rows / tf.math.reduce_euclidean_norm(rows, axis=-1, keepdims=True)


def unchanged(rows: tf.Tensor) -> tf.Tensor:
    """The rows."""
    return rows


class AffineNorm:
    """Layer normalisation with scale and shift (Ba et al. 2016).

    Args:
        products: Keeps the weights.
        name: Where in the model it stands.
        norm: Scale and shift.
    """

    def __init__(self, products: Products, name: str, norm: Norm) -> None:
        self._scale = products.table(f"{name}/scale", norm.scale)
        self._shift = products.table(f"{name}/shift", norm.shift)

    def __call__(self, rows: tf.Tensor) -> tf.Tensor:
        """The rows, normalised."""
        centred = rows - tf.reduce_mean(rows, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
        return centred * tf.math.rsqrt(variance + EPSILON) * self._scale + self._shift
