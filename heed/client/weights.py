"""Matrices of weights out of messages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heed.client.results import FloatArray
from heed.v1 import inference_pb2


def read_weights(
    message: inference_pb2.Attention | inference_pb2.AttentionHead, shape: tuple[int, int]
) -> FloatArray:
    """The weights of a message, however they travelled, float32 [T, S]; 0 where none were sent."""
    if not message.HasField("packed_weights"):
        return np.array(message.weights, np.float32).reshape(shape)
    packed = message.packed_weights
    sent = _numbers(packed)
    if not packed.HasField("weights_per_row"):
        return sent.reshape(shape)
    columns = np.array(packed.columns, np.int64).reshape(shape[0], packed.weights_per_row)
    weights = np.zeros(shape, np.float32)
    np.put_along_axis(weights, columns, sent.reshape(columns.shape), axis=1)
    return weights


def read_heads(
    messages: Sequence[inference_pb2.AttentionHead], shape: tuple[int, int]
) -> FloatArray | None:
    """The weights of all heads, float32 [L, N, T, S]; None if there are none."""
    if not messages:
        return None
    layer_count = 1 + max(head.layer_index for head in messages)
    head_count = 1 + max(head.head_index for head in messages)
    heads = np.full((layer_count, head_count, *shape), np.nan, np.float32)
    for head in messages:
        heads[head.layer_index, head.head_index] = read_weights(head, shape)
    return heads


def _numbers(packed: inference_pb2.PackedWeights) -> FloatArray:
    if packed.float16_weights:
        return np.frombuffer(packed.float16_weights, "<f2").astype(np.float32)
    return np.array(packed.weights, np.float32)
