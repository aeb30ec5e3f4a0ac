"""Decoders: from an encoded source and the tokens so far to the next token's features."""

from model_export.decoders.bahdanau_decoder import BahdanauDecoder
from model_export.decoders.base import Decoder, DecoderOutput, DecoderStep, Memory, State
from model_export.decoders.luong_decoder import LuongDecoder
from model_export.decoders.rnn_decoder import RnnDecoder, RnnMemory, RnnState, build_cells

__all__ = [
    "BahdanauDecoder",
    "Decoder",
    "DecoderOutput",
    "DecoderStep",
    "LuongDecoder",
    "Memory",
    "RnnDecoder",
    "RnnMemory",
    "RnnState",
    "State",
    "build_cells",
]
