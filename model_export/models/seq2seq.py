"""The sequence-to-sequence model."""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf

from model_export.attention import Choice
from model_export.decoders import Decoder, Memory, State
from model_export.encoders import Encoder, ImageEncoder


class StepOutput(NamedTuple):
    """One decoding step.

    Attributes:
        logits: Scores of the next token before the softmax, float32 [B, V].
        attention_heads: Weights per layer and head, float32 [B, L, N, S], or a tuple with
            [B, N, S] of each layer.
        state: The state for the next step, a nest of tensors with B as dimension 0.
    """

    logits: tf.Tensor
    attention_heads: tf.Tensor
    state: State


class Seq2SeqOutput(NamedTuple):
    """The model run over given targets.

    Attributes:
        logits: Scores of each position's token before the softmax, float32 [B, T, V].
        attention_heads: Weights per layer and head, float32 [B, L, N, T, S].
        choice: A `Choice` [B, T] of attention that chooses; else ().
        position_counts: Real source positions that attention is over, int32 [B].
    """

    logits: tf.Tensor
    attention_heads: tf.Tensor
    choice: Choice | tuple[()] = ()
    position_counts: tf.Tensor | None = None


class _Source(NamedTuple):
    """A source that was read: the decoder's first state, what it reads, and what is real of it."""

    state: State
    memory: Memory
    mask: tf.Tensor


class Seq2Seq(keras.Model):
    """Encoder, decoder with attention, and output layer.

        logits_i = W_o tanh(W_r features_i)          without a readout: W_o features_i

    Training and scoring run it over whole targets (`call`); decoding runs it step by step
    (`encode`, then `decode_step`). Both go through the same layers and give the same numbers.

    Args:
        encoder: Source tokens to vectors.
        decoder: Vectors and target tokens so far to features.
        target_vocabulary_size: Number of target ids.
        readout_width: Width between features and logits; none = no readout.
        dropout: Share of what the output layer reads dropped in training, 0 to below 1.
        output_projection: Features to logits, in place of W_o; none = a layer of its own.

    Call arguments:
        inputs: A dictionary of
            "tokens": source ids, int32 [B, S]; of pictures columns of pixels, uint8 [B, W, H, C];
            "lengths": real tokens, or columns of pixels, of each row, int32 [B], 1 or more;
            "target_inputs": the token before each position (`begin`, then the target),
                int32 [B, T].
        training: Whether dropout is active.
        sampling: Whether attention that chooses draws its places, to learn; none = as `training`.

    Returns:
        Seq2SeqOutput. What stands in it behind a row's target length means nothing.
    """

    def __init__(
        self,
        encoder: Encoder,
        decoder: Decoder,
        *,
        target_vocabulary_size: int,
        readout_width: int | None,
        dropout: float = 0.0,
        output_projection: keras.layers.Layer | None = None,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.readout = (
            None
            if readout_width is None
            else keras.layers.Dense(readout_width, activation="tanh", name="readout")
        )
        self.readout_dropout = keras.layers.Dropout(dropout, name="readout_dropout")
        self.output_projection = output_projection or keras.layers.Dense(
            target_vocabulary_size, dtype="float32", name="output_projection"
        )

    def encode(
        self,
        tokens: tf.Tensor,
        lengths: tf.Tensor,
        *,
        training: bool = False,
        sampling: bool = False,
    ) -> tuple[State, Memory]:
        """Reads a source.

        Args:
            tokens: Source ids, int32 [B, S]; of pictures columns of pixels, uint8 [B, W, H, C].
            lengths: Real tokens, or columns of pixels, of each row, int32 [B]. The mask comes
                from these alone.
            training: Whether dropout is active.
            sampling: Whether attention that chooses draws its places, to learn.

        Returns:
            The decoder's first state, and the memory it will read.
        """
        source = self._read(tokens, lengths, training=training, sampling=sampling)
        return source.state, source.memory

    def source_mask(self, tokens: tf.Tensor, lengths: tf.Tensor) -> tf.Tensor:
        """True at the real source positions that attention is over, bool [B, S].

        Args:
            tokens: As for `encode`.
            lengths: As for `encode`.
        """
        mask = tf.sequence_mask(lengths, tf.shape(tokens)[1])
        if isinstance(self.encoder, ImageEncoder):
            return self.encoder.place_mask(mask, height=tokens.shape[2])
        return mask

    def _read(
        self, tokens: tf.Tensor, lengths: tf.Tensor, *, training: bool, sampling: bool
    ) -> _Source:
        mask = tf.sequence_mask(lengths, tf.shape(tokens)[1])
        encoded = self.encoder(tokens, mask=mask, training=training)
        state = self.decoder.initial_state(encoded, sampling=sampling)
        mask = self.source_mask(tokens, lengths)
        return _Source(state, self.decoder.read(encoded, mask), mask)

    def decode_step(self, tokens: tf.Tensor, state: State, memory: Memory) -> StepOutput:
        """Scores the next token, given the last one, int32 [B]."""
        step = self.decoder.step(tokens, state, memory)
        heads = tf.cast(step.attention_heads, tf.float32)
        return StepOutput(self._logits(step.features), heads, step.state)

    def call(
        self,
        inputs: dict[str, tf.Tensor],
        training: bool = False,
        sampling: bool | None = None,
    ) -> Seq2SeqOutput:
        """Scores every position of given targets; the shapes are in the class docstring."""
        source = self._read(
            inputs["tokens"],
            inputs["lengths"],
            training=training,
            sampling=training if sampling is None else sampling,
        )
        output = self.decoder(
            inputs["target_inputs"], source.state, source.memory, training=training
        )
        logits = self._logits(output.features, training=training)
        heads = tf.cast(output.attention_heads, tf.float32)
        counts = tf.reduce_sum(tf.cast(source.mask, tf.int32), axis=1)
        return Seq2SeqOutput(logits, heads, output.choice, counts)

    def _logits(self, features: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        hidden = features if self.readout is None else self.readout(features)
        return self.output_projection(self.readout_dropout(hidden, training=training))
