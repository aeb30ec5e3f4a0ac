"""Matrices of weights into messages, plain or in a smaller form. Pure."""

from __future__ import annotations

from heed.v1 import inference_pb2
from service.domain.answers import Packing, WeightFormat
from service.domain.signatures import FloatArray
from service.pipeline.attention_packing import pack_weights


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
        message.weights.extend(weights.ravel().tolist())
        return
    packed, written = pack_weights(weights, packing), message.packed_weights
    if packed.columns is not None:
        written.weights_per_row = packed.columns.shape[1]
        written.columns.extend(packed.columns.ravel().tolist())
    if packing.weight_format is WeightFormat.FLOAT16:
        written.float16_weights = packed.weights.tobytes()
    else:
        written.weights.extend(packed.weights.ravel().tolist())
    written.SetInParent()
