"""Dropout between recurrent cells that stand on each other."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from model_export.composite import CompositeLayer
from model_export.rnn_dropout import RnnDropout


class CellDropout(CompositeLayer):
    """Draws what cells drop of what the cells below give them, once for a whole sequence.

    Other elements are dropped at every step (Zaremba et al. 2014), or always the same ones
    (`variational`, Gal and Ghahramani 2016).

    Args:
        widths: Width of what each cell above the first reads.
        dropout: What is dropped.

    Call arguments:
        embedded: What the first cell will read, float [T, B, E]; only its shape and format count.

    Returns:
        For each cell above the first float [T, B, width], or [1, B, width] where one step stands
        for all: 0 where an element is dropped, 1 / (1 - rate) where it is kept.
    """

    def __init__(self, widths: Sequence[int], dropout: RnnDropout, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.widths = tuple(widths)
        self.variational = dropout.variational
        self.between = [
            keras.layers.Dropout(dropout.inputs, name=f"between_{index}")
            for index in range(len(widths))
        ]

    def call(self, embedded: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """What is kept; the shapes are in the class docstring."""
        steps, rows = tf.shape(embedded)[0], tf.shape(embedded)[1]
        steps = 1 if self.variational else steps
        return tuple(
            dropout(tf.ones([steps, rows, width], embedded.dtype), training=True)
            for dropout, width in zip(self.between, self.widths, strict=True)
        )


def at_step(kept: tuple[tf.Tensor, ...], step: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """What is kept at one of the steps, float [B, width] for each cell above the first."""
    return tuple(tensor[tf.minimum(step, tf.shape(tensor)[0] - 1)] for tensor in kept)
