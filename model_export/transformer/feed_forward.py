"""The position-wise feed-forward network."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.config import Activation


class FeedForward(keras.layers.Layer):
    """Two matrix products with a bend between, the same at every position.

        ffn(x) = activation(x W_1 + b_1) W_2 + b_2      Vaswani et al. 2017, eq. 2 (with ReLU)
        gelu(z) = z P(Z <= z), Z normal                 Hendrycks and Gimpel 2016, exact form

    Args:
        width: Width of input and output, D.
        inner_width: Width between the two products.
        activation: ReLU as in the paper, or GELU.

    Call arguments:
        inputs: Float [..., D].

    Returns:
        Float [..., D].
    """

    def __init__(
        self,
        width: int,
        *,
        inner_width: int,
        activation: Activation = Activation.RELU,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.inner = keras.layers.Dense(
            inner_width, activation=_ACTIVATIONS[activation], name="inner"
        )
        self.outer = keras.layers.Dense(width, name="outer")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """The network's output; the shapes are in the class docstring."""
        return self.outer(self.inner(inputs))


_ACTIVATIONS = {Activation.RELU: "relu", Activation.GELU: "gelu"}
