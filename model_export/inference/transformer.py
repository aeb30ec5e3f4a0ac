"""A Transformer as it is served."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf

from model_export.inference.attention import attend, join_heads, mask_bias, split_heads
from model_export.inference.cache import CacheState, KeyValueCache, Places
from model_export.inference.decoder import InferenceDecoder
from model_export.inference.encoder import InferenceEncoder
from model_export.inference.layers import SelfAttention, SourceAttention
from model_export.inference.packing import packing
from model_export.models import Seq2SeqOutput, StepOutput


class InferenceMemory(NamedTuple):
    """What the decoder reads of the source.

    Attributes:
        source: Keys and values of each layer, bottom layer first, [2 * L, B * N, S, d].
        bias: 0 at real tokens, else `MASKED`; float32 [B * N, 1, S].
        places: Where hypotheses keep what they have read so far.
    """

    source: tf.Tensor
    bias: tf.Tensor
    places: Places


class InferenceTransformer:
    """A trained Transformer made ready for fast decoding: what the searches and scoring run.

    It gives the numbers of the model it was made from, up to rounding. It is a `StepModel`; a
    state may be given to `decode_step` once only, because its memory is written in place.

    Args:
        encoder: Reads sources.
        decoder: The weights of the decoder.
        cache: Keeps keys and values.
        weights: All weights, to be saved with what runs the model.
    """

    def __init__(
        self,
        encoder: InferenceEncoder,
        decoder: InferenceDecoder,
        *,
        cache: KeyValueCache,
        weights: list[tf.Variable],
    ) -> None:
        self.weights = weights
        self._encoder = encoder
        self._decoder = decoder
        self._cache = cache

    def source_mask(self, tokens: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """True at real source tokens, bool [B, S]."""
        return tf.sequence_mask(lengths, tf.shape(tokens)[1])

    def encode(self, tokens: tf.Tensor, lengths: tf.Tensor) -> tuple[CacheState, InferenceMemory]:
        """Reads sources, int32 [B, S] of int32 [B] real tokens, for one hypothesis each."""
        memory = self._read(tokens, lengths, width=None)
        return self._cache.first_state(memory.places), memory

    def encode_for_beams(
        self, tokens: tf.Tensor, lengths: tf.Tensor, width: tf.Tensor
    ) -> tuple[CacheState, InferenceMemory]:
        """The same, for K hypotheses each, one after the other; K is an int32 scalar."""
        memory = self._read(tokens, lengths, width=width)
        return self._cache.first_state(memory.places), memory

    def _read(
        self, tokens: tf.Tensor, lengths: tf.Tensor, *, width: tf.Tensor | None
    ) -> InferenceMemory:
        heads = self._cache.head_count
        mask = self.source_mask(tokens, lengths)
        packed = packing(mask)
        bias = tf.repeat(mask_bias(mask), heads, axis=0)[:, tf.newaxis]
        values = self._encoder(tokens, packed, bias)
        projected = packed.padded(tf.cast(self._decoder.source(values), self._cache.dtype))
        parts = 2 * self._cache.layer_count
        source = split_heads(projected, packed.shape, head_count=heads, parts=parts)
        return InferenceMemory(source, bias, self._cache.places(packed.shape[0], width))

    def reordered(self, state: CacheState, parents: tf.Tensor) -> CacheState:
        """The state of hypotheses each of which continues another of its row, int32 [R]."""
        return state._replace(ancestors=tf.gather(state.ancestors, parents))

    def has_room(self, state: CacheState) -> tf.Tensor:
        """Whether there is room for another step, bool scalar."""
        return tf.reduce_all(state.position < state.room)

    def with_room(self, state: CacheState, memory: InferenceMemory) -> CacheState:
        """The state with room for more steps."""
        return self._cache.with_room(state, memory.places)

    def decode_step(
        self, tokens: tf.Tensor, state: CacheState, memory: InferenceMemory
    ) -> StepOutput:
        """Scores the next token, given the last one, int32 [R].

        Returns:
            Logits float32 [R, V], weights float32 [R, N, S] of each layer, and the next state.
        """
        decoder, places = self._decoder, memory.places
        state, bias = self._cache.started(state, places)
        source = tf.unstack(memory.source, num=2 * len(decoder.layers))
        hidden = tf.gather(decoder.tokens, tokens) + tf.gather(decoder.positions, state.position)
        caches, heads = [], []
        for index, layer in enumerate(decoder.layers):
            hidden, cache = self._read_target(
                layer.self_attention, hidden, state, (state.layers[index], bias, places)
            )
            hidden, weights = self._read_source(
                layer.source_attention, hidden, source[2 * index : 2 * index + 2], memory
            )
            hidden = layer.feed_forward(hidden)
            caches.append(cache)
            heads.append(weights)
        logits = tf.cast(decoder.output(decoder.final(hidden)), tf.float32)
        return StepOutput(logits, tuple(heads), self._cache.ended(state, places, caches))

    def _read_target(
        self,
        attention: SelfAttention,
        hidden: tf.Tensor,
        state: CacheState,
        cached: tuple[tf.Tensor, tf.Tensor, Places],
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The sum after self-attention, float32 [R, D], and the layer's cache, written to."""
        cache, bias, places = cached
        width = hidden.shape[-1]
        projected = attention.projections(attention.residual.before(hidden))
        queries, keys_values = tf.split(projected, [width, 2 * width], axis=1)
        cache = self._cache.written(cache, state.slots, keys_values)
        keys, values = self._cache.keys_values(cache, state)
        context, _ = attend(self._split(queries, places), keys, values, bias=bias)
        output = attention.output.added_to(hidden, self._join(context, places))
        return attention.residual.after(output), cache

    def _read_source(
        self,
        attention: SourceAttention,
        hidden: tf.Tensor,
        source: list[tf.Tensor],
        memory: InferenceMemory,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The sum after attention to the source, float32 [R, D], and weights [R, N, S]."""
        queries = attention.query(attention.residual.before(hidden))
        keys, values = source
        context, weights = attend(
            self._split(queries, memory.places), keys, values, bias=memory.bias
        )
        output = attention.output.added_to(hidden, self._join(context, memory.places))
        heads = self._hypotheses_first(weights, memory.places, width=tf.shape(weights)[2])
        return attention.residual.after(output), heads

    def _split(self, queries: tf.Tensor, places: Places) -> tf.Tensor:
        """[R, D] to [B * N, K, d]."""
        heads, width = self._cache.head_count, self._cache.head_width
        queries = tf.cast(queries, self._cache.dtype)
        if places.width is None:
            return tf.reshape(queries, [-1, 1, width])
        split = tf.reshape(queries, tf.stack([-1, places.width, heads, width]))
        return tf.reshape(tf.transpose(split, [0, 2, 1, 3]), tf.stack([-1, places.width, width]))

    def _join(self, context: tf.Tensor, places: Places) -> tf.Tensor:
        """[B * N, K, d] to [R, D]."""
        heads, width = self._cache.head_count, self._cache.head_width
        by_hypothesis = self._hypotheses_first(context, places, width=width)
        return tf.reshape(by_hypothesis, [-1, heads * width])

    def _hypotheses_first(
        self, by_head: tf.Tensor, places: Places, *, width: tf.Tensor | int
    ) -> tf.Tensor:
        """[B * N, K, width] to [R, N, width]."""
        heads = self._cache.head_count
        if places.width is not None:
            split = tf.reshape(by_head, tf.stack([-1, heads, places.width, width]))
            by_head = tf.transpose(split, [0, 2, 1, 3])
        return tf.reshape(by_head, tf.stack([-1, heads, width]))

    def __call__(self, inputs: dict[str, tf.Tensor]) -> Seq2SeqOutput:
        """Scores every position of given targets, with the inputs and outputs of `Seq2Seq`."""
        memory = self._read(inputs["tokens"], inputs["lengths"], width=None)
        targets, decoder, count = inputs["target_inputs"], self._decoder, self._cache.head_count
        shape = tf.shape(targets)
        # A batch may be wider than its longest target; what stands there is never read.
        places = tf.minimum(tf.range(shape[1]), self._cache.most_steps - 1)
        positions = tf.tile(tf.gather(decoder.positions, places), tf.stack([shape[0], 1]))
        hidden = tf.gather(decoder.tokens, tf.reshape(targets, [-1])) + positions
        causal = mask_bias(tf.sequence_mask(tf.range(1, shape[1] + 1), shape[1]))  # [T, T]
        source = tf.unstack(memory.source, num=2 * len(decoder.layers))
        heads = []
        for index, layer in enumerate(decoder.layers):
            hidden = self._read_targets(layer.self_attention, hidden, shape, causal)
            hidden, weights = self._read_sources(
                layer.source_attention,
                hidden,
                shape,
                (source[2 * index], source[2 * index + 1], memory.bias),
            )
            hidden = layer.feed_forward(hidden)
            columns = tf.shape(weights)[2]
            heads.append(tf.reshape(weights, tf.stack([shape[0], count, shape[1], columns])))
        logits = tf.cast(decoder.output(decoder.final(hidden)), tf.float32)
        logits = tf.reshape(logits, tf.stack([shape[0], shape[1], logits.shape[-1]]))
        return Seq2SeqOutput(logits, tf.stack(heads, axis=1), (), inputs["lengths"])

    def _read_targets(
        self, attention: SelfAttention, hidden: tf.Tensor, shape: tf.Tensor, bias: tf.Tensor
    ) -> tf.Tensor:
        """The sum after self-attention of whole targets, float32 [B * T, D]."""
        heads = self._cache.head_count
        projected = attention.projections(attention.residual.before(hidden))
        projected = tf.cast(projected, self._cache.dtype)
        split = split_heads(projected, shape, head_count=heads, parts=3)
        queries, keys, values = tf.unstack(split, num=3)
        context, _ = attend(queries, keys, values, bias=bias)
        joined = join_heads(context, shape, head_count=heads)
        return attention.residual.after(attention.output.added_to(hidden, joined))

    def _read_sources(
        self,
        attention: SourceAttention,
        hidden: tf.Tensor,
        shape: tf.Tensor,
        source: tuple[tf.Tensor, tf.Tensor, tf.Tensor],
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The sum after attention to the source, float32 [B * T, D], and weights [B * N, T, S]."""
        heads = self._cache.head_count
        projected = attention.query(attention.residual.before(hidden))
        projected = tf.cast(projected, self._cache.dtype)
        queries = split_heads(projected, shape, head_count=heads, parts=1)[0]
        keys, values, bias = source
        context, weights = attend(queries, keys, values, bias=bias)
        joined = join_heads(context, shape, head_count=heads)
        return attention.residual.after(attention.output.added_to(hidden, joined)), weights
