"""Random numbers that depend on a seed and a step alone, in integer operations of the graph."""

from __future__ import annotations

from typing import Final

import tensorflow as tf

_GOLDEN: Final = 0x9E3779B97F4A7C15
_MULTIPLIERS: Final = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)
_SHIFTS: Final = (30, 27, 31)
_BITS: Final = 24
"""As many as float32 holds exactly below 1."""


def uniform_numbers(seeds: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
    """One number per row and step, evenly spread over 0 (inclusive) to 1 (exclusive).

        u[b, t] = mix(mix(seed[b]) + (t + 1) g) / 2^64        SplitMix64: Steele, Lea, Flood 2014

    Each seed has its own sequence. A number depends on nothing else: not on the batch, not on the
    place in it, not on how many numbers are drawn, not on the machine.

    Args:
        seeds: int32 [B], any.
        steps: How many steps, int32 scalar.

    Returns:
        float32 [B, steps].
    """
    return uniform_at(seeds[:, tf.newaxis], tf.range(steps)[tf.newaxis])


def uniform_at(seeds: tf.Tensor, steps: tf.Tensor) -> tf.Tensor:
    """The numbers of `uniform_numbers` for some seeds and steps, from 0 on.

    Args:
        seeds: int32 of any shape.
        steps: int32, broadcastable to it, or the other way round.

    Returns:
        float32 of their common shape.
    """
    counters = tf.cast(steps + 1, tf.uint64) * _uint64(_GOLDEN)
    # A negative seed wraps around, as in C; the offset keeps seed 0 from staying 0.
    started = _mix(tf.cast(tf.cast(seeds, tf.int64), tf.uint64) + _uint64(_GOLDEN))
    mixed = _mix(started + counters)
    bits = tf.bitwise.right_shift(mixed, _uint64(64 - _BITS))
    return tf.cast(tf.cast(bits, tf.int32), tf.float32) * (1.0 / 2**_BITS)


def _mix(numbers: tf.Tensor) -> tf.Tensor:
    """Spreads every bit of uint64 numbers over all bits."""
    for shift, multiplier in zip(_SHIFTS, _MULTIPLIERS, strict=False):
        shifted = tf.bitwise.right_shift(numbers, _uint64(shift))
        numbers = tf.bitwise.bitwise_xor(numbers, shifted) * _uint64(multiplier)
    shifted = tf.bitwise.right_shift(numbers, _uint64(_SHIFTS[-1]))
    return tf.bitwise.bitwise_xor(numbers, shifted)


def _uint64(value: int) -> tf.Tensor:
    return tf.constant(value, tf.uint64)
