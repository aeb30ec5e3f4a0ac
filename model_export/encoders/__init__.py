"""Encoders: from source tokens to one vector per position."""

from model_export.encoders.base import Encoder, EncoderOutput
from model_export.encoders.rnn_encoder import RnnEncoder

__all__ = ["Encoder", "EncoderOutput", "RnnEncoder"]
