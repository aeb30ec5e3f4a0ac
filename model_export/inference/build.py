"""From a trained Transformer to the one that is served."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import tensorflow as tf

from heed.contract import Precision
from model_export.inference.cache import KeyValueCache
from model_export.inference.calibration import (
    CalibrationExample,
    RecordingProducts,
    Statistics,
    run_examples,
)
from model_export.inference.decoder import build_decoder
from model_export.inference.encoder import build_encoder
from model_export.inference.equalising import equalised
from model_export.inference.folding import FoldedTransformer, fold
from model_export.inference.products import FloatProducts, Products
from model_export.inference.quantized_products import (
    PrecisionError,
    QuantizedProducts,
    check_operation,
)
from model_export.inference.trained_weights import trained_weights
from model_export.inference.transformer import InferenceTransformer
from model_export.models import Seq2Seq

_ATTENTION: Final = {
    Precision.FLOAT32: tf.float32,
    Precision.BFLOAT16: tf.float32,
    Precision.FLOAT16: tf.float16,
    Precision.INT8: tf.float32,
}
"""What attention is computed in: processors have no fast small products of 16 bits."""


def inference_model(
    model: Seq2Seq,
    *,
    precision: Precision,
    max_source_tokens: int,
    max_target_tokens: int,
    calibration: Sequence[CalibrationExample] = (),
) -> InferenceTransformer:
    """A trained Transformer made ready for fast decoding.

    Args:
        model: The training-side model; `is_transformer` must be true of it.
        precision: What it shall compute in.
        max_source_tokens: The longest source.
        max_target_tokens: The longest output.
        calibration: Real sentences, for int8 alone; a hundred or more.

    Raises:
        PrecisionError: int8 without calibration, or with a TensorFlow that cannot compute in it.
    """
    weights = trained_weights(
        model, max_source_tokens=max_source_tokens, max_target_tokens=max_target_tokens
    )
    folded = fold(weights)
    if precision is not Precision.INT8:
        return _assembled(folded, FloatProducts(tf.as_dtype(str(precision))), precision)
    check_operation()
    if not calibration:
        raise PrecisionError("--precision int8: needs real sentences to calibrate with")
    folded = equalised(folded, _statistics(folded, calibration))
    statistics = _statistics(folded, calibration)
    return _assembled(folded, QuantizedProducts(statistics), precision)


def _statistics(folded: FoldedTransformer, calibration: Sequence[CalibrationExample]) -> Statistics:
    products = RecordingProducts()
    run_examples(_assembled(folded, products, Precision.FLOAT32), calibration)
    return products.statistics


def _assembled(
    folded: FoldedTransformer, products: Products, precision: Precision
) -> InferenceTransformer:
    shape, attention = folded.weights.shape, _ATTENTION[precision]
    encoder = build_encoder(folded, products, attention_dtype=attention)
    decoder = build_decoder(folded, products)
    cache = KeyValueCache(
        layer_count=len(decoder.layers),
        head_count=shape.head_count,
        head_width=shape.width // shape.head_count,
        dtype=attention,
        most_steps=len(folded.decoder.positions),
    )
    return InferenceTransformer(encoder, decoder, cache=cache, weights=products.variables)
