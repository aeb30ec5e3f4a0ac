"""Residual connections with layer normalisation."""

from __future__ import annotations

from typing import Final

import keras
import tensorflow as tf

from model_export.config import NormPlacement

EPSILON: Final = 1e-6
"""What normalisation adds to the variance."""


class Residual(keras.layers.Layer):
    """What surrounds each part f of a Transformer layer.

        post: y = norm(x + dropout(f(x)))                       Vaswani et al. 2017, 3.1
        pre:  y = x + dropout(f(norm(x)))                       Xiong et al. 2020, table 1

    It is called in two steps, because parts differ in what else they read and return:
    `y = residual.after(x, f(residual.before(x)))`.

    Args:
        norm: Where the normalisation stands.
        dropout: Share of f's output dropped in training, 0 to below 1.
    """

    def __init__(self, norm: NormPlacement, *, dropout: float = 0.0, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.placement = norm
        self.norm = layer_norm(name="norm")
        self.dropout = keras.layers.Dropout(dropout, name="dropout")

    def before(self, inputs: tf.Tensor) -> tf.Tensor:
        """What f reads, float [B, T, D]."""
        return self.norm(inputs) if self.placement is NormPlacement.PRE else inputs

    def after(self, inputs: tf.Tensor, output: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """y, float [B, T, D], from x and f's output."""
        total = inputs + self.dropout(output, training=training)
        return total if self.placement is NormPlacement.PRE else self.norm(total)


def layer_norm(*, name: str) -> keras.layers.LayerNormalization:
    """Layer normalisation over the width (Ba et al. 2016), with scale and shift."""
    return keras.layers.LayerNormalization(epsilon=EPSILON, name=name)


def final_norm(norm: NormPlacement) -> keras.layers.Layer:
    """What closes a stack: a normalisation after pre-norm layers, nothing after post-norm ones."""
    if norm is NormPlacement.PRE:
        return layer_norm(name="final_norm")
    return keras.layers.Identity(name="final_norm")
