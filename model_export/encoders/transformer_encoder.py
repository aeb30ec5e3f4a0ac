"""A stack of self-attention layers over the source."""

from __future__ import annotations

import tensorflow as tf

from model_export.attention.multi_head import MultiHeadAttention
from model_export.composite import CompositeLayer
from model_export.encoders.base import EncoderOutput
from model_export.transformer import FeedForward, LayerShape, PositionedEmbedding, Residual
from model_export.transformer.residual import final_norm


class TransformerEncoderLayer(CompositeLayer):
    """Self-attention, then the feed-forward network, each within a residual connection.

    Vaswani et al. 2017, 3.1, left half of figure 1.

    Args:
        shape: Widths, heads, dropout and norm.

    Call arguments:
        inputs: Float [B, S, D].
        mask: True at real tokens, bool [B, 1, 1, S].
        training: Whether dropout is active.

    Returns:
        Float [B, S, D].
    """

    def __init__(self, shape: LayerShape, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.attention = MultiHeadAttention(
            shape.width, head_count=shape.head_count, name="attention"
        )
        self.attention_residual = Residual(
            shape.norm, dropout=shape.dropout, name="attention_residual"
        )
        self.feed_forward = FeedForward(
            shape.width,
            inner_width=shape.feed_forward_width,
            activation=shape.activation,
            name="feed_forward",
        )
        self.feed_forward_residual = Residual(
            shape.norm, dropout=shape.dropout, name="feed_forward_residual"
        )

    def call(self, inputs: tf.Tensor, *, mask: tf.Tensor, training: bool = False) -> tf.Tensor:
        """The layer's output; the shapes are in the class docstring."""
        normed = self.attention_residual.before(inputs)
        context, _ = self.attention(normed, memory=self.attention.project(normed), mask=mask)
        hidden = self.attention_residual.after(inputs, context, training=training)
        output = self.feed_forward(self.feed_forward_residual.before(hidden))
        return self.feed_forward_residual.after(hidden, output, training=training)


class TransformerEncoder(CompositeLayer):
    """Token and position vectors, and layers that let every position see every other.

    Vaswani et al. 2017, 3.1.

    Args:
        embedding: What the first layer reads.
        layer_count: Layers, 1 or more.
        shape: What each layer is like.

    Call arguments:
        tokens: Source ids, int32 [B, S].
        mask: True at real tokens, bool [B, S].
        training: Whether dropout is active.

    Returns:
        EncoderOutput: values float [B, S, D], 0 behind each row's length; summary float [B, D],
        the mean of the real positions. A row does not depend on the width of its batch.
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
            TransformerEncoderLayer(shape, name=f"layer_{index}") for index in range(layer_count)
        ]
        self.final_norm = final_norm(shape.norm)

    def call(self, tokens: tf.Tensor, *, mask: tf.Tensor, training: bool = False) -> EncoderOutput:
        """Values and summary; the shapes are in the class docstring."""
        hidden = self.embedding(tokens, training=training)
        for layer in self.layers:
            hidden = layer(hidden, mask=mask[:, tf.newaxis, tf.newaxis, :], training=training)
        hidden = self.final_norm(hidden)
        values = tf.where(mask[:, :, tf.newaxis], hidden, tf.zeros_like(hidden))
        lengths = tf.reduce_sum(tf.cast(mask, values.dtype), axis=1, keepdims=True)
        return EncoderOutput(values, tf.math.divide_no_nan(tf.reduce_sum(values, axis=1), lengths))
