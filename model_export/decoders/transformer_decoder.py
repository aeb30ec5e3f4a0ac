"""A stack of layers that attend to the target so far and to the source."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from model_export.attention.multi_head import HeadMemory, MultiHeadAttention
from model_export.composite import CompositeLayer
from model_export.decoders.base import DecoderOutput, DecoderStep
from model_export.encoders import EncoderOutput
from model_export.transformer import FeedForward, LayerShape, PositionedEmbedding, Residual
from model_export.transformer.residual import final_norm


class TransformerMemory(NamedTuple):
    """What a Transformer decoder reads of the source; computed once per source.

    Attributes:
        layers: Keys and values of each layer's attention to the source, bottom layer first.
        mask: True at real tokens, bool [B, S].
    """

    layers: tuple[HeadMemory, ...]
    mask: tf.Tensor


class FixedPast(NamedTuple):
    """The state of a decoder with room for so many positions, as XLA needs it.

    Attributes:
        position: How many positions there are, the same in every row, int32 [B].
        caches: Keys and values of each layer, float [B, N, P, D / N], P the room.
    """

    position: tf.Tensor
    caches: tuple[tf.Tensor, ...]


class _LayerOutput(NamedTuple):
    """Hidden float [B, T, D], weights float32 [B, N, T, S], and all positions so far."""

    hidden: tf.Tensor
    weights: tf.Tensor
    past: HeadMemory


class TransformerDecoderLayer(CompositeLayer):
    """Self-attention to the target so far, attention to the source, feed-forward network.

    Vaswani et al. 2017, 3.1, right half of figure 1.

    Args:
        shape: Widths, heads, dropout and norm.

    Call arguments:
        inputs: The new positions, float [B, T, D].
        past: Keys and values of the positions before them, P of them, 0 or more.
        past_mask: Which positions each new one may look at, bool, broadcastable to
            [B, N, T, P + T].
        source: Keys and values of the source.
        source_mask: True at real tokens, bool [B, 1, 1, S].
        training: Whether dropout is active.

    Returns:
        Hidden float [B, T, D], weights float32 [B, N, T, S], and keys and values of P + T
        positions.
    """

    def __init__(self, shape: LayerShape, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.self_attention = MultiHeadAttention(
            shape.width, head_count=shape.head_count, name="self_attention"
        )
        self.self_residual = Residual(shape.norm, dropout=shape.dropout, name="self_residual")
        self.source_attention = MultiHeadAttention(
            shape.width, head_count=shape.head_count, name="source_attention"
        )
        self.source_residual = Residual(shape.norm, dropout=shape.dropout, name="source_residual")
        self.feed_forward = FeedForward(
            shape.width,
            inner_width=shape.feed_forward_width,
            activation=shape.activation,
            name="feed_forward",
        )
        self.feed_forward_residual = Residual(
            shape.norm, dropout=shape.dropout, name="feed_forward_residual"
        )

    def call(
        self,
        inputs: tf.Tensor,
        *,
        past: HeadMemory,
        past_mask: tf.Tensor,
        source: HeadMemory,
        source_mask: tf.Tensor,
        training: bool = False,
    ) -> _LayerOutput:
        """The layer's output; the shapes are in the class docstring."""
        normed = self.self_residual.before(inputs)
        new = self.self_attention.project(normed)
        past = HeadMemory(
            tf.concat([past.keys, new.keys], axis=2), tf.concat([past.values, new.values], axis=2)
        )
        context, _ = self.self_attention(normed, memory=past, mask=past_mask)
        hidden = self.self_residual.after(inputs, context, training=training)
        context, weights = self.source_attention(
            self.source_residual.before(hidden), memory=source, mask=source_mask
        )
        hidden = self.source_residual.after(hidden, context, training=training)
        output = self.feed_forward(self.feed_forward_residual.before(hidden))
        hidden = self.feed_forward_residual.after(hidden, output, training=training)
        return _LayerOutput(hidden, weights, past)


class TransformerDecoder(CompositeLayer):
    """Predicts each target token from those before it and from the source.

    Vaswani et al. 2017, 3.1. Training runs it over all positions at once, where a mask hides the
    future; decoding runs it position by position, and the state holds the keys and values of the
    positions so far. Both are one piece of code: the new positions attend to the state and to
    themselves.

    The state is a flat tuple: keys and values of each layer, float [B, N, P, D / N], bottom layer
    first, where P grows by 1 a step. It holds exactly the positions there are, so that a short
    answer costs little and no limit on the length is built in.

    Args:
        embedding: What the first layer reads.
        layer_count: Layers, L, 1 or more.
        shape: What each layer is like.
    """

    def __init__(
        self,
        embedding: PositionedEmbedding,
        *,
        layer_count: int,
        shape: LayerShape,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.embedding = embedding
        self.layers = [
            TransformerDecoderLayer(shape, name=f"layer_{index}") for index in range(layer_count)
        ]
        self.final_norm = final_norm(shape.norm)
        self.shape = shape

    def read(self, encoded: EncoderOutput, mask: tf.Tensor) -> TransformerMemory:
        """The memory of a source: `encoded` with its mask bool [B, S]."""
        layers = tuple(layer.source_attention.project(encoded.values) for layer in self.layers)
        return TransformerMemory(layers, mask)

    def initial_state(
        self, encoded: EncoderOutput, *, sampling: bool = False
    ) -> tuple[tf.Tensor, ...]:
        """The state before the first token: no positions, P = 0."""
        del sampling  # its attention draws nothing
        heads, width = self.shape.head_count, self.shape.width // self.shape.head_count
        rows = tf.shape(encoded.values)[0]
        nothing = tf.zeros([rows, heads, 0, width], encoded.values.dtype)
        return (nothing,) * (2 * len(self.layers))

    @staticmethod
    def with_room(state: tuple[tf.Tensor, ...], positions: int) -> FixedPast:
        """The state before the first token as one of a fixed size, which `step` takes as well."""
        room = [[0, 0], [0, 0], [0, positions], [0, 0]]
        rows = tf.shape(state[0])[0]
        return FixedPast(tf.zeros([rows], tf.int32), tuple(tf.pad(cache, room) for cache in state))

    def step(
        self,
        tokens: tf.Tensor,
        state: tuple[tf.Tensor, ...] | FixedPast,
        memory: TransformerMemory,
    ) -> DecoderStep:
        """One position: from the last token, int32 [B], to features float [B, D]."""
        features, weights, state = self._advance(
            tokens[:, tf.newaxis], state, memory, training=False
        )
        return DecoderStep(features[:, 0], weights[:, :, :, 0], state)

    def call(
        self,
        tokens: tf.Tensor,
        state: tuple[tf.Tensor, ...],
        memory: TransformerMemory,
        *,
        training: bool = False,
    ) -> DecoderOutput:
        """All positions of given target inputs, none of which sees a later one.

        Args:
            tokens: The token before each position, int32 [B, T].
            state: `initial_state(encoded)`, or that after earlier positions.
            memory: `read(encoded, mask)`.
            training: Whether dropout is active.

        Returns:
            Features float [B, T, D] and attention_heads float32 [B, L, N, T, S].
        """
        features, weights, _ = self._advance(tokens, state, memory, training=training)
        return DecoderOutput(features, weights)

    def _advance(
        self,
        tokens: tf.Tensor,
        state: tuple[tf.Tensor, ...] | FixedPast,
        memory: TransformerMemory,
        *,
        training: bool,
    ) -> tuple[tf.Tensor, tf.Tensor, tuple[tf.Tensor, ...] | FixedPast]:
        """New positions int32 [B, T]: features, weights [B, L, N, T, S] and the state after."""
        caches = state.caches if isinstance(state, FixedPast) else state
        past_count, past_mask = _look_back(state, tf.shape(tokens)[1])
        hidden = self.embedding(tokens, first_position=past_count, training=training)
        source_mask = memory.mask[:, tf.newaxis, tf.newaxis, :]
        weights, grown = [], []
        for index, layer in enumerate(self.layers):
            output = layer(
                hidden,
                past=HeadMemory(caches[2 * index], caches[2 * index + 1]),
                past_mask=past_mask,
                source=memory.layers[index],
                source_mask=source_mask,
                training=training,
            )
            hidden = output.hidden
            weights.append(output.weights)
            grown += [output.past.keys, output.past.values]
        return self.final_norm(hidden), tf.stack(weights, axis=1), _state_after(state, grown)


def _causal_mask(past_count: tf.Tensor, new_count: tf.Tensor) -> tf.Tensor:
    """True where new position t may look at position p: p <= P + t; bool [1, 1, T, P + T]."""
    positions = tf.range(past_count + new_count)
    return (positions <= tf.range(past_count, past_count + new_count)[:, tf.newaxis])[
        tf.newaxis, tf.newaxis
    ]


def _look_back(
    state: tuple[tf.Tensor, ...] | FixedPast, new_count: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """How many positions there are, and which each new one may look at, bool [1, 1, T, P + T]."""
    if not isinstance(state, FixedPast):
        past_count = tf.shape(state[0])[2]
        return past_count, _causal_mask(past_count, new_count)
    past_count, room = tf.reduce_max(state.position), state.caches[0].shape[2]
    is_past = tf.broadcast_to(tf.range(room) < past_count, [1, 1, new_count, room])
    return past_count, tf.concat([is_past, _causal_mask(0, new_count)], axis=-1)


def _state_after(
    state: tuple[tf.Tensor, ...] | FixedPast, grown: list[tf.Tensor]
) -> tuple[tf.Tensor, ...] | FixedPast:
    """The state after a step; one of a fixed size has room for one new position a time.

    Args:
        state: The state before.
        grown: Keys and values of each layer, those of the new positions behind those before.
    """
    if not isinstance(state, FixedPast):
        return tuple(grown)
    room = state.caches[0].shape[2]
    is_new = (tf.range(room) == tf.reduce_max(state.position))[:, tf.newaxis]
    caches = zip(state.caches, grown, strict=True)
    written = tuple(tf.where(is_new, now[:, :, room:], before) for before, now in caches)
    return FixedPast(state.position + 1, written)
