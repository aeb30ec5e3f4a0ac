"""What Transformer encoders and decoders are made of, beside attention."""

from model_export.transformer.embedding import PositionedEmbedding, TiedOutput, TokenEmbedding
from model_export.transformer.feed_forward import FeedForward
from model_export.transformer.positions import LearnedPositions, SinusoidalPositions
from model_export.transformer.residual import Residual
from model_export.transformer.shape import LayerShape

__all__ = [
    "FeedForward",
    "LayerShape",
    "LearnedPositions",
    "PositionedEmbedding",
    "Residual",
    "SinusoidalPositions",
    "TiedOutput",
    "TokenEmbedding",
]
