"""Models whose searches know their sizes before they run."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from model_export.decoders.transformer_decoder import TransformerDecoder
from model_export.models import Seq2Seq, StepOutput


class BoundedModel:
    """A model for searches that XLA compiles: nothing in them may depend on what is decoded.

    A search over it always has room for `steps` tokens and `beam_width` hypotheses, and its outputs
    are so large; what a row does not need stays 0. It gives the same numbers as the model itself.

    Args:
        model: The model.
        steps: The most tokens of any row, 1 or more.
        beam_width: The widest beam of any row, 1 or more.
    """

    def __init__(self, model: Seq2Seq, *, steps: int, beam_width: int) -> None:
        self._model = model
        self.steps = steps
        self.beam_width = beam_width

    def source_mask(self, tokens: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """As of the model."""
        return self._model.source_mask(tokens, lengths)

    def encode(self, tokens: tf.Tensor, lengths: tf.Tensor) -> tuple[Any, Any]:
        """As of the model; the state has its full size from the start."""
        state, memory = self._model.encode(tokens, lengths)
        decoder = self._model.decoder
        if isinstance(decoder, TransformerDecoder):
            state = decoder.with_room(state, self.steps)
        return state, memory

    def decode_step(self, tokens: tf.Tensor, state: Any, memory: Any) -> StepOutput:
        """As of the model."""
        return self._model.decode_step(tokens, state, memory)


def step_bound(model: object) -> int | None:
    """The room that a search must have for tokens; None: as much as the rows need."""
    return model.steps if isinstance(model, BoundedModel) else None


def beam_bound(model: object) -> int | None:
    """The places that a beam must have; None: as many as the widest row."""
    return model.beam_width if isinstance(model, BoundedModel) else None
