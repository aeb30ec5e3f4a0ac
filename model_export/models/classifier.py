"""Classifiers: many tokens, one output."""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf

from model_export.attention.base import at_least_float32
from model_export.attention.pooling import AttentionPooling, redundancy_penalty
from model_export.encoders import Encoder
from model_export.encoders.sentence_encoder import SentenceEncoder
from model_export.models.sentences import sentence_layout


class ClassifierOutput(NamedTuple):
    """What a classifier says.

    Attributes:
        logits: Scores of the labels before the softmax, float32 [B, C].
        attention_heads: Weights over the tokens, for each hop, float32 [B, N, S]; of a
            hierarchical model, times the weight of the token's sentence.
        sentence_attention: Weights over the sentences, float32 [B, Z]; None without sentences.
        redundancy: How alike the hops are, by `redundancy_penalty`, float32 [B, 1]; of a
            hierarchical model float32 [B, 2]: the mean over the row's sentences, then that of the
            hops over sentences.
    """

    logits: tf.Tensor
    attention_heads: tf.Tensor
    sentence_attention: tf.Tensor | None
    redundancy: tf.Tensor

    @property
    def attention(self) -> tf.Tensor:
        """The mean of the hops' weights, float32 [B, S]."""
        return tf.reduce_mean(self.attention_heads, axis=1)


class LabelLayer(keras.layers.Layer):
    """From the vector of a text to the scores of its labels.

        logits = W_c v + b_c                                Yang et al. 2016, eq. 11
        logits = W_c tanh(W_h v + b_h) + b_c                with a hidden layer

    Args:
        label_count: Labels, C, 2 or more.
        hidden_width: Width of the hidden layer; None = none.
        dropout: Share of each layer's inputs dropped in training, 0 to below 1.

    Call arguments:
        vectors: Float [B, P].
        training: Whether dropout is active.

    Returns:
        Float32 [B, C].
    """

    def __init__(
        self,
        label_count: int,
        *,
        hidden_width: int | None = None,
        dropout: float = 0.0,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.dropout = keras.layers.Dropout(dropout, name="dropout")
        self.hidden = (
            None
            if hidden_width is None
            else keras.layers.Dense(hidden_width, activation="tanh", name="hidden")
        )
        self.projection = keras.layers.Dense(label_count, dtype="float32", name="projection")

    def call(self, vectors: tf.Tensor, *, training: bool = False) -> tf.Tensor:
        """Scores; the shapes are in the class docstring."""
        vectors = self.dropout(vectors, training=training)
        if self.hidden is not None:
            vectors = self.dropout(self.hidden(vectors), training=training)
        return self.projection(vectors)


class Classifier(keras.Model):
    """An encoder, attention over its states, and a layer for the labels.

    Args:
        encoder: Tokens to states.
        pooling: States to one vector.
        labels: The vector to scores.

    Call arguments:
        inputs: A dictionary of
            "tokens": ids, int32 [B, S];
            "lengths": real tokens of each row, int32 [B], 1 to S. The mask comes from these alone.
        training: Whether dropout is active.

    Returns:
        ClassifierOutput, without sentence attention.
    """

    def __init__(
        self, encoder: Encoder, pooling: AttentionPooling, labels: LabelLayer, **kwargs: object
    ) -> None:
        super().__init__(**kwargs)
        self.encoder = encoder
        self.pooling = pooling
        self.labels = labels

    def build(self, inputs_shape: object) -> None:
        """Nothing: each part makes its weights when it is first called."""
        self.built = True

    def call(self, inputs: dict[str, tf.Tensor], training: bool = False) -> ClassifierOutput:
        """Reads the texts; the shapes are in the class docstring."""
        tokens = inputs["tokens"]
        mask = tf.sequence_mask(inputs["lengths"], tf.shape(tokens)[1])
        encoded = self.encoder(tokens, mask=mask, training=training)
        context, weights = self.pooling(encoded.values, mask=mask)
        weights = at_least_float32(weights)
        logits = self.labels(context, training=training)
        return ClassifierOutput(logits, weights, None, redundancy_penalty(weights)[:, tf.newaxis])


class HierarchicalClassifier(keras.Model):
    """Words to sentences, sentences to a text, with attention in both steps.

    Yang et al. 2016, figure 2. Each sentence is read for itself; the vectors that attention makes
    of them are read in turn. The reported weight of a token is that within its sentence times
    that of the sentence, so that a row's weights sum to 1.

    Args:
        encoder: Tokens of a sentence to states.
        pooling: States to a sentence vector.
        sentence_encoder: Sentence vectors to states.
        sentence_pooling: Those states to one vector.
        labels: The vector to scores.

    Call arguments:
        inputs: A dictionary of
            "tokens": ids, int32 [B, S];
            "lengths": real tokens of each row, int32 [B], 1 to S;
            "sentence_ids": the sentence of each token, int32 [B, S]; in each row from 0, rising by
                at most 1 from token to token.
        training: Whether dropout is active.

    Returns:
        ClassifierOutput.
    """

    def __init__(
        self,
        encoder: Encoder,
        pooling: AttentionPooling,
        *,
        sentence_encoder: SentenceEncoder,
        sentence_pooling: AttentionPooling,
        labels: LabelLayer,
        **kwargs: object,
    ) -> None:
        super().__init__(**kwargs)
        self.encoder = encoder
        self.pooling = pooling
        self.sentence_encoder = sentence_encoder
        self.sentence_pooling = sentence_pooling
        self.labels = labels

    def build(self, inputs_shape: object) -> None:
        """Nothing: each part makes its weights when it is first called."""
        self.built = True

    def call(self, inputs: dict[str, tf.Tensor], training: bool = False) -> ClassifierOutput:
        """Reads the texts; the shapes are in the class docstring."""
        tokens, ids = inputs["tokens"], inputs["sentence_ids"]
        mask = tf.sequence_mask(inputs["lengths"], tf.shape(tokens)[1])
        layout = sentence_layout(ids, mask)
        encoded = self.encoder(layout.split(tokens), mask=layout.word_mask, training=training)
        vectors, word_weights = self.pooling(encoded.values, mask=layout.word_mask)
        states = self.sentence_encoder(
            layout.join_sentences(vectors), mask=layout.sentence_mask, training=training
        )
        context, weights = self.sentence_pooling(states, mask=layout.sentence_mask)
        word_weights, weights = at_least_float32(word_weights), at_least_float32(weights)
        sentence_weights = tf.reduce_mean(weights, axis=1)
        shares = tf.gather(sentence_weights, tf.where(mask, ids, 0), batch_dims=1)  # [B, S]
        heads = layout.join_words(word_weights, tf.shape(tokens)) * shares[:, tf.newaxis, :]
        word_redundancy = tf.math.unsorted_segment_mean(
            redundancy_penalty(word_weights), layout.places[:, 0], tf.shape(tokens)[0]
        )
        redundancy = tf.stack([word_redundancy, redundancy_penalty(weights)], axis=1)
        logits = self.labels(context, training=training)
        return ClassifierOutput(logits, heads, sentence_weights, redundancy)
