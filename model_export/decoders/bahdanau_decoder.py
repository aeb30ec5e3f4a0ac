"""A recurrent decoder that attends before its recurrence."""

from __future__ import annotations

import tensorflow as tf

from model_export.decoders.base import DecoderStep
from model_export.decoders.rnn_decoder import RnnDecoder, RnnMemory, RnnState


class BahdanauDecoder(RnnDecoder):
    """A recurrence whose input is the last token and the context that attention picked for it.

        c_i = attention(s_{i-1}, h)                     Bahdanau et al. 2015, eqs. 5-6
        s_i = f(s_{i-1}, [E y_{i-1}; c_i])              A.2.2
        features_i = [s_i; c_i; E y_{i-1}]              what the paper's deep output reads

    With several layers, s_{i-1} is the top layer's last output, and the bottom layer reads the
    context. Xu et al. 2015 attend at the same place.
    """

    def step_embedded(self, embedded: tf.Tensor, state: RnnState, memory: RnnMemory) -> DecoderStep:
        """One position, from the last token's vector, float [B, embedding_width]."""
        attended = self.attend(state.cells[-1][0], state, memory)
        inputs = tf.concat([embedded, attended.context], axis=-1)
        output, cells = self.run_cells(inputs, state)
        features = tf.concat([output, attended.context, embedded], axis=-1)
        heads = attended.weights[:, tf.newaxis, tf.newaxis, :]
        return DecoderStep(features, heads, RnnState(cells, attended.state), attended.choice)
