"""Products of 8-bit numbers, by an operation of TensorFlow's oneDNN library for processors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.attr_value_pb2 import AttrValue
from tensorflow.python.framework import kernels

from model_export.config import Activation
from model_export.errors import ModelExportError
from model_export.inference.calibration import InputStatistics, best_range, rounded_weight
from model_export.inference.products import ACTIVATIONS, FloatProducts, Product, new_variable
from model_export.inference.trained_weights import Affine, Array

_OPERATION: Final = "_QuantizedMatMul"
_MOST_NOISE: Final = 0.02
"""The most that rounding may change a product's outputs: squared error over squared output."""
_LEVELS: Final = 127
"""Steps from 0 to the largest magnitude.

Numbers that are never below 0 could have 255. But processors without VNNI add two products in
16 bits, and cut what does not fit: 2 * 127 * 127 fits, 2 * 255 * 127 does not.
"""


class PrecisionError(ModelExportError):
    """A model cannot be exported in the precision that is asked for."""


def check_operation() -> None:
    """Makes sure that this TensorFlow has the operation.

    Raises:
        PrecisionError: It has not.
    """
    if not kernels.get_registered_kernels_for_op(_OPERATION).kernel:
        raise PrecisionError(
            f"--precision int8: this machine's TensorFlow {tf.__version__} has no operation "
            f"{_OPERATION}; it is part of the builds for x86 processors with oneDNN. Export in "
            "bfloat16 or float32 instead"
        )


@dataclass
class QuantizedProducts:
    """Products in 8 bits, but for those that lose too much by it, which stay in float32.

    Attributes:
        statistics: What each product reads, by its name.
        variables: All weights made so far.
    """

    statistics: Mapping[str, InputStatistics]
    variables: list[tf.Variable] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._floats = FloatProducts(tf.float32, self.variables)

    def product(
        self, name: str, affine: Affine, *, activation: Activation | None = None
    ) -> Product:
        """A product; its name says where in the model it stands."""
        statistics = self.statistics[name]
        most = best_range(statistics.rows, levels=_LEVELS)
        if _noise(statistics, affine.weight, most=most) > _MOST_NOISE:
            return self._floats.product(name, affine, activation=activation)
        weight, columns = rounded_weight(affine.weight)
        return QuantizedProduct(
            weight=new_variable(self.variables, f"{name}/weight", tf.constant(weight)),
            columns=columns,
            bias=new_variable(self.variables, f"{name}/bias", tf.cast(affine.bias, tf.float32)),
            most=most,
            is_signed=statistics.is_signed,
            activation=activation,
        )

    def table(self, name: str, vectors: Array) -> tf.Variable:
        """Vectors to be looked up, float32 [V, D]."""
        return self._floats.table(name, vectors)


def _noise(statistics: InputStatistics, weight: Array, *, most: float) -> float:
    """By how much rounding changes what a product makes of the rows that it was seen to read."""
    rows = np.asarray(statistics.rows, np.float64)
    if not rows.size:
        return np.inf
    step = most / _LEVELS
    rounded_rows = np.clip(np.round(rows / step), -_LEVELS, _LEVELS) * step
    rounded, columns = rounded_weight(weight)
    exact = rows @ weight
    error = rounded_rows @ (rounded * (columns.astype(np.float64) / 127.0)) - exact
    return float(np.sum(error**2) / max(np.sum(exact**2), 1e-30))


@dataclass(frozen=True)
class QuantizedProduct:
    """activation(x W + b) with x and W in 8 bits, summed in 32, and the rest in float32.

    Attributes:
        weight: int8 [I, O], each column scaled by its own largest magnitude.
        columns: These, float32 [O].
        bias: float32 [O].
        most: The largest magnitude of x that is represented.
        is_signed: Whether x may be below 0.
        activation: What follows.
    """

    weight: tf.Variable
    columns: np.ndarray[Any, Any]
    bias: tf.Variable
    most: float
    is_signed: bool
    activation: Activation | None

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        """Float32 [R, O]."""
        if self.activation is Activation.RELU:
            return self._product(inputs, ["Relu"])
        product = self._product(inputs, [])
        return product if self.activation is None else ACTIVATIONS[self.activation](product)

    def added_to(self, residual: tf.Tensor, inputs: tf.Tensor) -> tf.Tensor:
        """The same, plus a residual float32 [R, O]."""
        return self._product(inputs, ["Add"], residual)

    def _product(self, inputs: tf.Tensor, between: list[str], *residual: tf.Tensor) -> tf.Tensor:
        least, most = -self.most, self.most
        if not self.is_signed:
            least, most = 0.0, self.most * 255 / _LEVELS  # of all 8 bits
        rounded = _rounded(inputs, self.most, is_signed=self.is_signed)
        tensors = [rounded, tf.bitcast(self.weight, tf.qint8), tf.convert_to_tensor(self.bias)]
        ranges = [tf.constant(least), tf.constant(most)]
        ranges += [tf.constant(-self.columns), tf.constant(self.columns)]
        return _quantized_matmul(
            [*tensors, *residual], ranges, fused=["BiasAdd", *between, "Dequantize"]
        )


def _rounded(inputs: tf.Tensor, most: float, *, is_signed: bool) -> tf.Tensor:
    """Inputs in 8 bits. TensorFlow's own operation for it takes 10 times as long for few rows."""
    scaled = tf.round(tf.cast(inputs, tf.float32) * (_LEVELS / most))
    # Signed or not is seen in examples: other inputs may be below 0 all the same.
    least = -_LEVELS if is_signed else 0
    limited = tf.raw_ops.ClipByValue(
        t=scaled, clip_value_min=float(least), clip_value_max=float(_LEVELS)
    )
    if is_signed:
        return tf.bitcast(tf.cast(limited, tf.int8), tf.qint8)
    return tf.bitcast(tf.cast(limited, tf.uint8), tf.quint8)


def _quantized_matmul(
    tensors: list[tf.Tensor], ranges: list[tf.Tensor], *, fused: list[str]
) -> tf.Tensor:
    """The operation, which TensorFlow has but does not offer in Python."""
    attributes = {
        "Tdevice_inputs": _types([tensor.dtype for tensor in tensors]),
        "Thost_inputs": _types([tf.float32] * len(ranges)),
        "Tdevice_outputs": _types([tf.float32]),
        "Thost_outputs": _types([]),
        "T1": AttrValue(type=tensors[0].dtype.as_datatype_enum),
        "T2": AttrValue(type=tensors[1].dtype.as_datatype_enum),
        **{name: AttrValue(type=tf.float32.as_datatype_enum) for name in ("Tbias", "U", "Tout")},
        **{name: AttrValue(b=False) for name in ("transpose_a", "transpose_b")},
        **{name: AttrValue(b=True) for name in ("is_weight_const", "is_bias_const")},
        "fused_ops": AttrValue(
            list=AttrValue.ListValue(s=[operation.encode() for operation in fused])
        ),
        **{name: AttrValue(s=b"SCALED") for name in ("input_quant_mode", "output_quant_mode")},
    }
    graph = tf.compat.v1.get_default_graph()
    operation = graph._create_op_internal(
        _OPERATION, [*tensors, *ranges], [tf.float32], name="product", attrs=attributes
    )
    product = operation.outputs[0]
    product.set_shape([tensors[0].shape[0], tensors[1].shape[1]])
    return product


def _types(dtypes: list[tf.DType]) -> AttrValue:
    return AttrValue(list=AttrValue.ListValue(type=[dtype.as_datatype_enum for dtype in dtypes]))
