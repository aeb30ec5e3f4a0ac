"""What recurrent decoders have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from model_export.attention import Attention, AttentionOutput, Choice
from model_export.composite import CompositeLayer
from model_export.config import CellKind
from model_export.decoders.base import DecoderOutput, DecoderStep, State
from model_export.decoders.cell_dropout import CellDropout, at_step
from model_export.encoders import EncoderOutput
from model_export.rnn_dropout import NO_DROPOUT, RnnDropout


class RnnMemory(NamedTuple):
    """What a recurrent decoder reads of the source.

    Attributes:
        values: Encoder states, float [B, S, D].
        projected_keys: The source's part of the attention scores, float [B, S, units].
        mask: True at real tokens, bool [B, S].
    """

    values: tf.Tensor
    projected_keys: tf.Tensor
    mask: tf.Tensor


class RnnState(NamedTuple):
    """What a recurrent decoder remembers.

    Attributes:
        cells: States of each layer, bottom first: (h,) of a GRU, (h, c) of an LSTM, float
            [B, width] each.
        attention: What the attention remembers.
        fed: The last attentional vector, float [B, F], if the decoder reads it; else ().
        kept: What dropout keeps, in this step of training, of what each cell above the first
            reads, float [B, width] each; else ().
    """

    cells: tuple[tuple[tf.Tensor, ...], ...]
    attention: State
    fed: Any = ()
    kept: tuple[tf.Tensor, ...] = ()


class RnnDecoder(CompositeLayer):
    """Recurrent layers with attention; when they attend is the subclass' matter.

        state_0 = tanh(W_s summary)         Bahdanau et al. 2015, A.2.2, for each layer's states

    Args:
        vocabulary_size: Number of target ids.
        embedding_width: Width of the token vectors.
        cells: The recurrence of each layer, bottom first; at least one. See `build_cells`.
        attention: Where to look in the source.
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
        dropout: RnnDropout = NO_DROPOUT,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.embedding = keras.layers.Embedding(vocabulary_size, embedding_width, name="embedding")
        self.dropout = dropout.of_sequences("dropout")
        self.cell_dropout = CellDropout(
            [_widths(cell)[0] for cell in cells[:-1]], dropout, name="cell_dropout"
        )
        self.cells = cells
        self.attention = attention
        self.initial_projections = [
            [_initial_projection(width, layer, part) for part, width in enumerate(_widths(cell))]
            for layer, cell in enumerate(cells)
        ]

    def read(self, encoded: EncoderOutput, mask: tf.Tensor) -> RnnMemory:
        """The memory of a source: `encoded` with its mask bool [B, S]."""
        return RnnMemory(encoded.values, self.attention.project_keys(encoded.values), mask)

    def initial_state(self, encoded: EncoderOutput, *, sampling: bool = False) -> RnnState:
        """state_0 of every layer."""
        cells = tuple(
            tuple(project(encoded.summary) for project in projections)
            for projections in self.initial_projections
        )
        return RnnState(cells, self.attention.initial_state(encoded.values, sampling=sampling))

    def step(self, tokens: tf.Tensor, state: RnnState, memory: RnnMemory) -> DecoderStep:
        """One position, from the token before it, int32 [B]."""
        return self.step_embedded(self.embedding(tokens), state, memory)

    @abstractmethod
    def step_embedded(self, embedded: tf.Tensor, state: RnnState, memory: RnnMemory) -> DecoderStep:
        """One position, from the last token's vector, float [B, embedding_width]."""

    def attend(self, query: tf.Tensor, state: RnnState, memory: RnnMemory) -> AttentionOutput:
        """Attention for a query, float [B, width]."""
        return self.attention(
            query,
            projected_keys=memory.projected_keys,
            values=memory.values,
            mask=memory.mask,
            state=state.attention,
        )

    def run_cells(
        self, inputs: tf.Tensor, state: RnnState
    ) -> tuple[tf.Tensor, tuple[tuple[tf.Tensor, ...], ...]]:
        """The top layer's output, float [B, width], and all layers' new states."""
        new_states = []
        for layer, (cell, cell_state) in enumerate(zip(self.cells, state.cells, strict=True)):
            if state.kept and layer:
                inputs = inputs * state.kept[layer - 1]
            inputs, new_state = cell(inputs, list(cell_state))
            new_states.append(tuple(new_state))
        return inputs, tuple(new_states)

    def call(
        self, tokens: tf.Tensor, state: RnnState, memory: RnnMemory, *, training: bool = False
    ) -> DecoderOutput:
        """All positions of given target inputs, by the same steps.

        Args:
            tokens: The token before each position, int32 [B, T].
            state: `initial_state(encoded)`.
            memory: `read(encoded, mask)`.
            training: Whether dropout is active.
        """
        embedded = self.dropout(self.embedding(tokens), training=training)
        embedded = tf.transpose(embedded, [1, 0, 2])  # [T, B, E]
        steps = tf.shape(embedded)[0] if embedded.shape[0] is None else embedded.shape[0]
        inputs = tf.TensorArray(embedded.dtype, steps).unstack(embedded)
        types = (embedded.dtype, embedded.dtype, self._choice_types())
        arrays = tf.nest.map_structure(lambda dtype: tf.TensorArray(dtype, steps), types)

        kept = self.cell_dropout(embedded) if training else ()
        if training:
            self._draw_kept_states(state)

        def body(index, state, arrays):  # type: ignore[no-untyped-def]
            state = state._replace(kept=at_step(kept, index))
            step = self.step_embedded(inputs.read(index), state, memory)
            parts = (step.features, step.attention_heads, step.choice)
            arrays = tf.nest.map_structure(
                lambda array, part: array.write(index, part), arrays, parts
            )
            return index + 1, step.state, arrays

        _, _, arrays = tf.while_loop(
            lambda index, *_: index < steps,
            body,
            (tf.constant(0), state, arrays),
            maximum_iterations=steps,
        )
        self._forget_kept_states()
        features, weights, choice = tf.nest.map_structure(lambda array: array.stack(), arrays)
        # From [T, B, F], [T, B, L, N, S] and [T, B].
        return DecoderOutput(
            tf.transpose(features, [1, 0, 2]),
            tf.transpose(weights, [1, 2, 3, 0, 4]),
            tf.nest.map_structure(tf.transpose, choice),
        )

    def _draw_kept_states(self, state: RnnState) -> None:
        """Draws what each cell's own dropout keeps of its state, outside of the loop over steps."""
        for cell, (hidden, *_) in zip(self.cells, state.cells, strict=True):
            cell.reset_recurrent_dropout_mask()
            cell.get_recurrent_dropout_mask(hidden)

    def _forget_kept_states(self) -> None:
        for cell in self.cells:
            cell.reset_recurrent_dropout_mask()

    def _choice_types(self) -> Choice | tuple[()]:
        return Choice(tf.float32, tf.float32) if self.attention.chooses else ()


def build_cells(
    kind: CellKind, width: int, layers: int, *, dropout: float = 0.0
) -> list[keras.layers.Layer]:
    """The recurrences of a decoder, bottom layer first; `dropout` is of their own states."""
    cell = {CellKind.GRU: keras.layers.GRUCell, CellKind.LSTM: keras.layers.LSTMCell}[kind]
    return [cell(width, recurrent_dropout=dropout, name=f"cell_{index}") for index in range(layers)]


def _widths(cell: keras.layers.Layer) -> list[int]:
    """The width of each of a cell's states."""
    size = cell.state_size
    return [size] if isinstance(size, int) else list(size)


def _initial_projection(width: int, layer: int, part: int) -> keras.layers.Dense:
    return keras.layers.Dense(width, activation="tanh", name=f"initial_projection_{layer}_{part}")
