"""Matrices of weights into messages, plain or in a smaller form. Pure."""

from __future__ import annotations

from typing import Final

from google.protobuf.message import Message

from heed.v1 import inference_pb2
from service.domain.answers import Packing, WeightFormat
from service.domain.signatures import Array, FloatArray
from service.pipeline.attention_packing import pack_weights
from service.varint import varint

_LENGTH_DELIMITED: Final = 2
"""The wire type of what stands behind a count of bytes."""


def write_weights(
    message: inference_pb2.Attention | inference_pb2.AttentionHead,
    weights: FloatArray,
    packing: Packing,
) -> None:
    """Writes a matrix where it belongs: `weights`, or `packed_weights`.

    Args:
        message: Receives it.
        weights: float32 [T, S].
        packing: How the weights are sent.
    """
    if packing.is_plain:
        _add_floats(message, "weights", weights)
        return
    packed, written = pack_weights(weights, packing), message.packed_weights
    if packed.columns is not None:
        written.weights_per_row = packed.columns.shape[1]
        written.columns.extend(packed.columns.ravel().tolist())
    if packing.weight_format is WeightFormat.FLOAT16:
        written.float16_weights = packed.weights.tobytes()
    else:
        _add_floats(written, "weights", packed.weights)
    written.SetInParent()


def _add_floats(message: Message, name: str, values: Array) -> None:
    """Adds numbers to a repeated field of floats, ten times as fast as one by one.

    Such a field is its numbers' bytes behind a tag and their count of bytes, so reading it back
    from bytes is a copy.
    """
    content = values.astype("<f4").tobytes()
    number = message.DESCRIPTOR.fields_by_name[name].number
    message.MergeFromString(
        varint(number << 3 | _LENGTH_DELIMITED) + varint(len(content)) + content
    )
