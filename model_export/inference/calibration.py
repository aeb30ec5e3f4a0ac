"""What a model's products read when it works on real sentences: the ranges for 8-bit numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from heed.contract import SPECIAL_IDS
from model_export.config import Activation
from model_export.inference.products import FloatProducts, Product
from model_export.inference.trained_weights import Affine, Array

_KEPT_ROWS: Final = 512
"""Rows of each product's inputs that are kept to measure with."""


class CalibrationExample(NamedTuple):
    """A real sentence and what the model shall make of it.

    Attributes:
        source: Ids of the source's tokens, one or more.
        target: Ids of the target's tokens, the end token included, one or more.
    """

    source: list[int]
    target: list[int]


@dataclass
class InputStatistics:
    """The inputs of one product.

    Attributes:
        most: The largest magnitude in each of the I columns; empty before the first row.
        is_signed: Whether any input was below 0.
        rows: Some of the rows, float [n, I].
    """

    most: NDArray[Any] = field(default_factory=lambda: np.zeros(0))
    is_signed: bool = False
    rows: NDArray[Any] = field(default_factory=lambda: np.zeros((0, 0)))

    def add(self, rows: NDArray[Any], random: np.random.Generator) -> None:
        """Takes rows [R, I] in."""
        magnitudes = np.abs(rows).max(axis=0, initial=0.0)
        self.most = np.maximum(self.most, magnitudes) if self.most.size else magnitudes
        self.is_signed = self.is_signed or bool((rows < 0).any())
        kept = np.concatenate([self.rows, rows]) if self.rows.size else rows
        if len(kept) > 2 * _KEPT_ROWS:
            kept = kept[random.choice(len(kept), _KEPT_ROWS, replace=False)]
        self.rows = kept


Statistics = dict[str, InputStatistics]
"""By the products' names."""


@dataclass
class RecordingProducts(FloatProducts):
    """Products in float32 that remember what they read, when run outside a graph.

    Attributes:
        statistics: What they have read so far.
        random: Decides which rows are kept.
    """

    dtype: tf.DType = tf.float32
    statistics: Statistics = field(default_factory=dict)
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))

    def product(
        self, name: str, affine: Affine, *, activation: Activation | None = None
    ) -> Product:
        """A product; its name says where in the model it stands."""
        self.statistics[name] = InputStatistics()
        product = super().product(name, affine, activation=activation)
        return _RecordingProduct(product, self.statistics[name], self.random)


@dataclass(frozen=True)
class _RecordingProduct:
    product: Product
    statistics: InputStatistics
    random: np.random.Generator

    def __call__(self, inputs: tf.Tensor) -> tf.Tensor:
        self.statistics.add(inputs.numpy(), self.random)
        return self.product(inputs)

    def added_to(self, residual: tf.Tensor, inputs: tf.Tensor) -> tf.Tensor:
        return residual + self(inputs)


class _Scorer(Protocol):
    def __call__(self, inputs: dict[str, tf.Tensor]) -> Any: ...


def run_examples(model: _Scorer, examples: Iterable[CalibrationExample]) -> None:
    """Runs a model over examples, one by one, as it is run to score them."""
    for example in examples:
        target_inputs = [int(SPECIAL_IDS.begin), *example.target[:-1]]
        model(
            {
                "tokens": tf.constant([example.source], tf.int32),
                "lengths": tf.constant([len(example.source)], tf.int32),
                "target_inputs": tf.constant([target_inputs], tf.int32),
            }
        )


def best_range(values: NDArray[Any], *, levels: int) -> float:
    """The largest magnitude to represent: what is beyond is cut, what is within is rounded.

    Of the ranges tried, from a fifth of the largest value to all of it, that with the least mean
    squared error.

    Args:
        values: Any numbers.
        levels: Steps from 0 to the largest magnitude.
    """
    magnitudes = np.abs(np.asarray(values, np.float64)).ravel()
    largest = float(magnitudes.max(initial=0.0))
    if largest == 0.0:
        return 1.0
    errors = {}
    for share in np.linspace(0.2, 1.0, 41):
        step = largest * share / levels
        rounded = np.minimum(np.round(magnitudes / step), levels) * step
        errors[largest * share] = float(np.mean((magnitudes - rounded) ** 2))
    return float(min(errors, key=errors.__getitem__))


def rounded_weight(weight: Array) -> tuple[NDArray[np.int8], NDArray[Any]]:
    """A matrix in 8 bits, and the largest magnitude of each column, float32 [O]."""
    most = np.maximum(np.abs(weight).max(axis=0), 1e-12)
    return np.round(weight / most * 127.0).astype(np.int8), most.astype(np.float32)
