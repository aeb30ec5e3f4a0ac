"""Models: encoder, decoder and output layer put together."""

from model_export.models.build import build_model
from model_export.models.seq2seq import Seq2Seq, Seq2SeqOutput, StepOutput

__all__ = ["Seq2Seq", "Seq2SeqOutput", "StepOutput", "build_model"]
