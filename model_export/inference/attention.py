"""Attention on heads that lie flat: B * N of them, each with its queries, keys and values."""

from __future__ import annotations

from typing import Final

import tensorflow as tf

MASKED: Final = -1e9
"""Added to the score of what must not be looked at: its weight is exactly 0."""


def attend(
    queries: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, *, bias: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """softmax(Q K^T + bias) V, of queries that are scaled already.

    Args:
        queries: Float [B * N, K, d].
        keys: Float [B * N, S, d].
        values: Float [B * N, S, d].
        bias: 0 or `MASKED`, float32, broadcastable to [B * N, K, S].

    Returns:
        Context float [B * N, K, d], and weights float32 [B * N, K, S].
    """
    scores = _products(queries, keys, adj_y=True)
    weights = tf.nn.softmax(tf.cast(scores, tf.float32) + bias)
    return _products(tf.cast(weights, values.dtype), values), weights


def _products(left: tf.Tensor, right: tf.Tensor, *, adj_y: bool = False) -> tf.Tensor:
    """Many small products, by the operation that costs least for so many queries each."""
    if left.shape[1] == 1 and left.dtype != tf.float16:  # no kernel for processors in float16
        return tf.raw_ops.BatchMatMulV3(x=left, y=right, Tout=left.dtype, adj_x=False, adj_y=adj_y)
    return tf.matmul(left, right, transpose_b=adj_y)


def mask_bias(mask: tf.Tensor) -> tf.Tensor:
    """0 where a mask is true, else `MASKED`; float32."""
    return tf.where(mask, 0.0, MASKED)


def split_heads(flat: tf.Tensor, shape: tf.Tensor, *, head_count: int, parts: int) -> tf.Tensor:
    """Rows of a batch, [B * S, parts * D] for a shape of [B, S], to [parts, B * N, S, d]."""
    rows, columns = shape[0], shape[1]
    width = flat.shape[-1] // parts // head_count
    split = tf.reshape(flat, tf.stack([rows, columns, parts, head_count, width]))
    heads = tf.transpose(split, [2, 0, 3, 1, 4])
    return tf.reshape(heads, tf.stack([parts, rows * head_count, columns, width]))


def join_heads(context: tf.Tensor, shape: tf.Tensor, *, head_count: int) -> tf.Tensor:
    """[B * N, S, d] to [B * S, D], for a shape of [B, S]."""
    width = context.shape[-1]
    heads = tf.reshape(context, tf.stack([shape[0], head_count, shape[1], width]))
    joined = tf.transpose(heads, [0, 2, 1, 3])
    return tf.reshape(joined, tf.stack([shape[0] * shape[1], head_count * width]))
