"""Encoders: from source tokens to one vector per position."""

from model_export.encoders.base import EncoderOutput
from model_export.encoders.gru_encoder import GRUEncoder

__all__ = ["EncoderOutput", "GRUEncoder"]
