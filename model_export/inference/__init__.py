"""Trained Transformers made ready for fast decoding in a graph."""

from model_export.inference.build import inference_model
from model_export.inference.calibration import CalibrationExample
from model_export.inference.quantized_products import PrecisionError
from model_export.inference.trained_weights import is_transformer
from model_export.inference.transformer import InferenceTransformer

__all__ = [
    "CalibrationExample",
    "InferenceTransformer",
    "PrecisionError",
    "inference_model",
    "is_transformer",
]
