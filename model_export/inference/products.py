"""Matrix products with weights, in the number formats of exports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import tensorflow as tf

from model_export.config import Activation
from model_export.inference.trained_weights import Affine, Array


class Product(Protocol):
    """activation(x W + b), for rows float [R, I]."""

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        """Float [R, O]."""

    def added_to(self, residual: tf.Tensor, inputs: tf.Tensor) -> tf.Tensor:
        """The same, plus a residual float32 [R, O], in the residual's format."""


class Products(Protocol):
    """Makes products, and keeps their weights."""

    variables: list[tf.Variable]

    def product(
        self, name: str, affine: Affine, *, activation: Activation | None = None
    ) -> Product:
        """A product; its name says where in the model it stands."""

    def table(self, name: str, vectors: Array) -> tf.Variable:
        """Vectors to be looked up, float32 [V, D]."""


@dataclass
class FloatProducts:
    """Products in a floating-point format.

    Attributes:
        dtype: Of the weights, and of what is computed.
        variables: All weights made so far.
        tables: Those of them that hold vectors, each beside its vectors.
    """

    dtype: tf.DType
    variables: list[tf.Variable] = field(default_factory=list)
    tables: list[tuple[Array, tf.Variable]] = field(default_factory=list)

    def product(
        self, name: str, affine: Affine, *, activation: Activation | None = None
    ) -> Product:
        """A product; its name says where in the model it stands."""
        return FloatProduct(
            self._variable(f"{name}/weight", affine.weight, self.dtype),
            self._variable(f"{name}/bias", affine.bias, self.dtype),
            activation,
        )

    def table(self, name: str, vectors: Array) -> tf.Variable:
        """Vectors to be looked up, float32 [V, D]; those that there are already, once."""
        for known, variable in self.tables:
            if np.array_equal(known, vectors):
                return variable
        table = self._variable(name, vectors, tf.float32)
        self.tables.append((vectors, table))
        return table

    def _variable(self, name: str, array: Array, dtype: tf.DType) -> tf.Variable:
        return new_variable(self.variables, name, tf.cast(array, dtype))


def new_variable(variables: list[tf.Variable], name: str, value: tf.Tensor) -> tf.Variable:
    """A weight of its own name, added to those made so far."""
    variable = tf.Variable(value, trainable=False, name=name.replace("/", "_"))
    variables.append(variable)
    return variable


@dataclass(frozen=True)
class FloatProduct:
    """A product in a floating-point format; TensorFlow makes one operation of it."""

    weight: tf.Variable
    bias: tf.Variable
    activation: Activation | None

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        """Float [R, O] in the product's format."""
        narrow = tf.cast(inputs, self.weight.dtype)
        product = tf.nn.bias_add(tf.matmul(narrow, self.weight), self.bias)
        return product if self.activation is None else ACTIVATIONS[self.activation](product)

    def added_to(self, residual: tf.Tensor, inputs: tf.Tensor) -> tf.Tensor:
        """The same, plus a residual, in the residual's format."""
        return residual + tf.cast(self(inputs), residual.dtype)


def _gelu(tensor: tf.Tensor) -> Any:
    return tf.nn.gelu(tensor, approximate=False)


ACTIVATIONS: Final[dict[Activation, Callable[[tf.Tensor], tf.Tensor]]] = {
    Activation.RELU: tf.nn.relu,
    Activation.GELU: _gelu,
}
