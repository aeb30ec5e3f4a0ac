"""A convolutional encoder of pictures."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from model_export.composite import CompositeLayer
from model_export.encoders.base import EncoderOutput
from model_export.transformer import SinusoidalPositions

_HALF_RANGE = 127.5


class ImageEncoder(CompositeLayer):
    """Convolutions that make an annotation of every place of a grid over a picture.

        x_0 = pixels / 127.5 - 1
        x_i = relu(W_i * x_{i-1} + b_i)              3 x 3, then the largest of 2 x 2 if i <= P
        a_cr = x_n at column c and row r + [p_c; p_r]        annotations, Xu et al. 2015, 3.1.1
        summary = mean of a                                  3.1.2

    Every x is 0 beyond the picture's edge, on all sides alike, so that what a picture is padded
    with is never seen. p are the waves of Vaswani et al. 2017, 3.5: attention over places can then
    tell them apart. The paper's encoder is a VGG network that was trained on photographs; this one
    learns with the decoder.

    Args:
        widths: Width of each convolution's output, bottom first.
        poolings: P: after so many of the first convolutions the picture is halved.
        positions: Whether annotations know their column and row; then the last width is a
            multiple of 4.
        dropout: Share of the annotations' elements dropped in training, 0 to below 1.

    Call arguments:
        tokens: Columns of pixels from the left, each from the top, uint8 [B, W, H, C]; H is a
            multiple of 2^P.
        mask: True at the columns of the picture, bool [B, W]; each row's real columns come first.
        training: Whether dropout is active.

    Returns:
        EncoderOutput: values float [B, S, D], one for each place of the grid, column by column
        and 0 beyond the picture; S is the places of W columns. summary float [B, D]. A row does
        not depend on the width of its batch.
    """

    def __init__(
        self,
        widths: Sequence[int],
        *,
        poolings: int,
        positions: bool = True,
        dropout: float = 0.0,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.poolings = poolings
        self.convolutions = [
            keras.layers.Conv2D(
                width,
                3,
                padding="same",
                activation="relu",
                kernel_initializer="he_normal",
                name=f"convolution_{index}",
            )
            for index, width in enumerate(widths)
        ]
        self.waves = SinusoidalPositions(widths[-1] // 2, name="positions") if positions else None
        self.dropout = keras.layers.Dropout(dropout, name="dropout")

    def place_mask(self, mask: tf.Tensor, *, height: int) -> tf.Tensor:
        """Which places of the grid are in a picture.

        Args:
            mask: True at the columns of the picture, bool [B, W].
            height: Height of the picture in pixels, H.

        Returns:
            True at places that hold a part of the picture, bool [B, S]; those come first.
        """
        mask = _whole_cells(mask, 2**self.poolings)
        for _ in range(self.poolings):
            mask = _halved(mask)
        return tf.repeat(mask, height // 2**self.poolings, axis=1)

    def call(self, tokens: tf.Tensor, *, mask: tf.Tensor, training: bool = False) -> EncoderOutput:
        """Values and summary; the shapes are in the class docstring."""
        mask = _whole_cells(mask, 2**self.poolings)
        pixels = _whole_cells(tokens, 2**self.poolings)
        hidden = tf.cast(pixels, self.compute_dtype) / _HALF_RANGE - 1.0
        hidden = _within(hidden, mask)
        for index, convolution in enumerate(self.convolutions):
            hidden = _within(convolution(hidden), mask)
            if index < self.poolings:
                hidden = tf.nn.max_pool2d(hidden, ksize=2, strides=2, padding="VALID")
                mask = _halved(mask)
        if self.waves is not None:
            hidden = _within(hidden + _positions(self.waves, hidden), mask)
        hidden = self.dropout(hidden, training=training)
        return _annotations(hidden, mask)


def _positions(waves: keras.layers.Layer, hidden: tf.Tensor) -> tf.Tensor:
    """[p_c; p_r] for every place of float [B, columns, rows, D]: float [columns, rows, D]."""
    columns, rows = tf.shape(hidden)[1], tf.shape(hidden)[2]
    across = tf.repeat(waves(tf.range(columns))[:, tf.newaxis], rows, axis=1)
    down = tf.repeat(waves(tf.range(rows))[tf.newaxis], columns, axis=0)
    return tf.concat([across, down], axis=-1)


def _whole_cells(tensor: tf.Tensor, cell: int) -> tf.Tensor:
    """Pads columns so that they are whole cells: dimension 1 of a tensor [B, W, ...]."""
    missing = -tf.shape(tensor)[1] % cell
    return tf.pad(tensor, [[0, 0], [0, missing]] + [[0, 0]] * (tensor.shape.rank - 2))


def _halved(mask: tf.Tensor) -> tf.Tensor:
    """Bool [B, W] for pairs of columns: whether one of the two is in the picture."""
    return mask[:, ::2] | mask[:, 1::2]


def _within(hidden: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Float [B, W, H, D], 0 beyond the picture's last column."""
    return tf.where(mask[:, :, tf.newaxis, tf.newaxis], hidden, tf.zeros_like(hidden))


def _annotations(hidden: tf.Tensor, mask: tf.Tensor) -> EncoderOutput:
    """The places of float [B, columns, rows, D] in one line."""
    columns, rows, width = tf.shape(hidden)[1], hidden.shape[2], hidden.shape[3]
    values = tf.reshape(hidden, [-1, columns * rows, width])
    count = rows * tf.reduce_sum(tf.cast(mask, values.dtype), axis=1, keepdims=True)
    return EncoderOutput(values, tf.math.divide_no_nan(tf.reduce_sum(values, axis=1), count))
