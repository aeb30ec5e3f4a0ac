"""States and memories of models as nests of tensors with the rows as dimension 0."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def repeat_rows(nest: Any, times: tf.Tensor) -> Any:
    """Each row `times` times in a row: [B, ...] becomes [B * times, ...]."""
    return tf.nest.map_structure(lambda tensor: tf.repeat(tensor, times, axis=0), nest)


def gather_rows(nest: Any, rows: tf.Tensor) -> Any:
    """The named rows of every tensor, in their order."""
    return tf.nest.map_structure(lambda tensor: tf.gather(tensor, rows), nest)


def shape_invariants(nest: Any) -> Any:
    """What a loop may rely on: every size but the rows', and those that begin with 0 and grow.

    A state that has its own rules says so by `loop_shapes`.
    """
    if hasattr(nest, "loop_shapes"):
        return nest.loop_shapes()
    return tf.nest.map_structure(_invariant, nest)


def _invariant(tensor: tf.Tensor) -> tf.TensorShape:
    sizes = tensor.shape.as_list()
    return tf.TensorShape([None, *(size or None for size in sizes[1:])])
