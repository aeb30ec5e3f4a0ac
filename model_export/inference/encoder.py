"""The encoder of an inference-side Transformer."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from model_export.config import Activation
from model_export.inference.attention import attend, join_heads, split_heads
from model_export.inference.folding import FoldedTransformer
from model_export.inference.layers import (
    FeedForwardNetwork,
    SelfAttention,
    feed_forward,
    self_attention,
)
from model_export.inference.norms import Normalise, by_length, unchanged
from model_export.inference.packing import Packing
from model_export.inference.products import Products


@dataclass(frozen=True)
class InferenceEncoder:
    """Reads sources without work on what fills up their rows.

    Attributes:
        tokens: A vector for each token, float32 [V, D].
        positions: A vector for each position, float32 [P, D].
        layers: Bottom layer first.
        final: What the values go through at the end.
        head_count: N.
        attention_dtype: The format that attention is computed in.
    """

    tokens: tf.Variable
    positions: tf.Variable
    layers: tuple[tuple[SelfAttention, FeedForwardNetwork], ...]
    final: Normalise
    head_count: int
    attention_dtype: tf.DType

    def __call__(self, tokens: tf.Tensor, packing: Packing, bias: tf.Tensor) -> tf.Tensor:
        """The values of the n real tokens, float32 [n, D].

        Args:
            tokens: Source ids, int32 [B, S].
            packing: Where the real ones are.
            bias: 0 at real tokens, else `MASKED`; float32 [B * N, 1, S].
        """
        ids = packing.packed(tf.reshape(tokens, [-1]))
        hidden = tf.gather(self.tokens, ids) + tf.gather(self.positions, packing.columns)
        for attention, network in self.layers:
            context = self._context(attention, hidden, packing, bias)
            hidden = attention.residual.after(attention.output.added_to(hidden, context))
            hidden = network(hidden)
        return self.final(hidden)

    def _context(
        self, attention: SelfAttention, hidden: tf.Tensor, packing: Packing, bias: tf.Tensor
    ) -> tf.Tensor:
        projected = attention.projections(attention.residual.before(hidden))
        padded = packing.padded(tf.cast(projected, self.attention_dtype))
        split = split_heads(padded, packing.shape, head_count=self.head_count, parts=3)
        queries, keys, values = tf.unstack(split)
        context, _ = attend(queries, keys, values, bias=bias)
        return packing.packed(join_heads(context, packing.shape, head_count=self.head_count))


def build_encoder(
    folded: FoldedTransformer, products: Products, *, attention_dtype: tf.DType
) -> InferenceEncoder:
    """An encoder from its weights."""
    shape, stack = folded.weights.shape, folded.encoder
    activation: Activation = shape.activation
    layers = tuple(
        (
            self_attention(products, f"encoder/{index}/self_attention", layer.self_attention),
            feed_forward(
                products,
                f"encoder/{index}/feed_forward",
                folded=layer.feed_forward,
                activation=activation,
            ),
        )
        for index, layer in enumerate(stack.layers)
    )
    return InferenceEncoder(
        tokens=products.table("encoder/tokens", stack.tokens),
        positions=products.table("encoder/positions", stack.positions),
        layers=layers,
        final=by_length if folded.is_prenorm else unchanged,
        head_count=shape.head_count,
        attention_dtype=attention_dtype,
    )
