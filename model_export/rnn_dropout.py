"""Dropout of recurrent layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import keras


@dataclass(frozen=True, slots=True)
class RnnDropout:
    """What recurrent layers drop in training.

    Attributes:
        inputs: Share of the elements of what layers read, 0 to below 1.
        recurrent: Share of the elements of a recurrence's own state, 0 to below 1; the same
            elements at every position of a sequence.
        variational: Whether `inputs` too drops the same elements at every position of a sequence
            (Gal and Ghahramani 2016, section 4); else others at each.
    """

    inputs: float = 0.0
    recurrent: float = 0.0
    variational: bool = False

    def of_sequences(self, name: str) -> keras.layers.Dropout:
        """Dropout of what a layer reads, float [B, T, D]."""
        return keras.layers.Dropout(
            self.inputs, noise_shape=(None, 1, None) if self.variational else None, name=name
        )


NO_DROPOUT: Final = RnnDropout()
