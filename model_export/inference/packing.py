"""The real tokens of a batch, one after the other, without those that fill up its rows."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class Packing(NamedTuple):
    """Where the n real tokens of a batch are.

    Attributes:
        real: Place of each among B * S, int32 [n].
        columns: Place of each in its row, int32 [n].
        places: For each of B * S places its token among the n; the first for filling, int32
            [B * S].
        shape: [B, S], int32.
    """

    real: tf.Tensor
    columns: tf.Tensor
    places: tf.Tensor
    shape: tf.Tensor

    def packed(self, padded: tf.Tensor) -> tf.Tensor:
        """[B * S, ...] to [n, ...]."""
        return tf.gather(padded, self.real)

    def padded(self, packed: tf.Tensor) -> tf.Tensor:
        """[n, ...] to [B * S, ...]; what fills up is finite and means nothing."""
        return tf.gather(packed, self.places)


def packing(mask: tf.Tensor) -> Packing:
    """How to pack a batch, from its real tokens, bool [B, S]."""
    shape = tf.shape(mask)
    flat = tf.reshape(mask, [-1])
    real = tf.cast(tf.where(flat)[:, 0], tf.int32)
    counted = tf.cumsum(tf.cast(flat, tf.int32)) - 1
    return Packing(real, real % shape[1], tf.where(flat, counted, 0), shape)
