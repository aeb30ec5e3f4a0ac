"""Decoders: from an encoded source and the tokens so far to the next token's features."""

from model_export.decoders.base import DecoderMemory, DecoderStep
from model_export.decoders.gru_decoder import GRUDecoder

__all__ = ["DecoderMemory", "DecoderStep", "GRUDecoder"]
