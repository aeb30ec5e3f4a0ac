"""Encoders: from a source to one vector per position."""

from model_export.encoders.base import Encoder, EncoderOutput
from model_export.encoders.image_encoder import ImageEncoder
from model_export.encoders.rnn_encoder import RnnEncoder

__all__ = ["Encoder", "EncoderOutput", "ImageEncoder", "RnnEncoder"]
