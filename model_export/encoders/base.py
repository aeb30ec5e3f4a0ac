"""What every encoder returns."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import tensorflow as tf


class EncoderOutput(NamedTuple):
    """A source, encoded.

    Attributes:
        values: One vector per source position, float [B, S, D]; what stands behind a row's
            length is never read.
        summary: One vector per source, float [B, D'], from which a decoder starts.
    """

    values: tf.Tensor
    summary: tf.Tensor


class Encoder(Protocol):
    """Reads a source."""

    def __call__(
        self, tokens: tf.Tensor, *, mask: tf.Tensor, training: bool = False
    ) -> EncoderOutput:
        """Values and summary of source ids, int32 [B, S], with their mask, bool [B, S].

        Of pictures: of columns of pixels, uint8 [B, W, H, C], with their mask, bool [B, W].
        """
