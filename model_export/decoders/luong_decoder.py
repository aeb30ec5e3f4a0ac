"""A recurrent decoder that attends after its recurrence."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.attention import Attention
from model_export.decoders.base import DecoderStep
from model_export.decoders.rnn_decoder import RnnDecoder, RnnMemory, RnnState
from model_export.encoders import EncoderOutput
from model_export.rnn_dropout import NO_DROPOUT, RnnDropout


class LuongDecoder(RnnDecoder):
    """A recurrence first, then attention with what came out of it.

        h_t = f(h_{t-1}, [E y_{t-1}; a_{t-1}])          Luong et al. 2015, section 3.3
        c_t = attention(h_t, values)                    eq. 7
        a_t = tanh(W_c [c_t; h_t])                      eq. 5
        features_t = a_t                                eq. 6 is the output layer

    a_t is the paper's attentional vector (h with a tilde); a_0 is 0. With several layers, h_t is
    the top layer's output.

    Args:
        vocabulary_size: Number of target ids.
        embedding_width: Width of the token vectors.
        cells: The recurrence of each layer, bottom first.
        attention: Where to look in the source.
        attentional_width: Width of a_t.
        input_feeding: Whether the recurrence reads a_{t-1}.
        dropout: What is dropped in training of what each cell reads; of its own state, the cell
            itself drops.
    """

    def __init__(
        self,
        vocabulary_size: int,
        *,
        embedding_width: int,
        cells: list[keras.layers.Layer],
        attention: Attention,
        attentional_width: int,
        input_feeding: bool = True,
        dropout: RnnDropout = NO_DROPOUT,
        **kwargs: object,
    ) -> None:
        super().__init__(
            vocabulary_size,
            embedding_width=embedding_width,
            cells=cells,
            attention=attention,
            dropout=dropout,
            **kwargs,
        )
        self.attentional_width = attentional_width
        self.input_feeding = input_feeding
        self.attentional = keras.layers.Dense(
            attentional_width, activation="tanh", use_bias=False, name="attentional"
        )

    def initial_state(self, encoded: EncoderOutput, *, sampling: bool = False) -> RnnState:
        """state_0 of every layer, and a_0."""
        state = super().initial_state(encoded, sampling=sampling)
        if not self.input_feeding:
            return state
        rows = tf.shape(encoded.summary)[0]
        return state._replace(fed=tf.zeros([rows, self.attentional_width], encoded.summary.dtype))

    def step_embedded(self, embedded: tf.Tensor, state: RnnState, memory: RnnMemory) -> DecoderStep:
        """One position, from the last token's vector, float [B, embedding_width]."""
        inputs = tf.concat([embedded, state.fed], axis=-1) if self.input_feeding else embedded
        output, cells = self.run_cells(inputs, state)
        attended = self.attend(output, state, memory)
        features = self.attentional(tf.concat([attended.context, output], axis=-1))
        heads = attended.weights[:, tf.newaxis, tf.newaxis, :]
        fed = features if self.input_feeding else ()
        return DecoderStep(features, heads, RnnState(cells, attended.state, fed), attended.choice)
