"""Classifiers from settings."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.attention.pooling import build_pooling
from model_export.config import PositionKind
from model_export.config.classifier import (
    ClassifierSettings,
    RnnEncoderSettings,
    TransformerEncoderSettings,
)
from model_export.encoders import Encoder, RnnEncoder
from model_export.encoders.sentence_encoder import SentenceEncoder
from model_export.encoders.transformer_encoder import TransformerEncoder
from model_export.models.classifier import Classifier, HierarchicalClassifier, LabelLayer
from model_export.rnn_dropout import RnnDropout
from model_export.transformer import (
    LayerShape,
    LearnedPositions,
    PositionedEmbedding,
    SinusoidalPositions,
    TokenEmbedding,
)

AnyClassifier = Classifier | HierarchicalClassifier


def build_classifier(
    settings: ClassifierSettings, *, vocabulary_size: int, label_count: int, seed: int = 1
) -> AnyClassifier:
    """A classifier with all its weights, drawn from `seed`.

    Keras' global random state is set to the seed: the same settings give the same weights.

    Args:
        settings: What the model looks like.
        vocabulary_size: Number of token ids, 4 or more.
        label_count: Labels, 2 or more.
        seed: Decides the weights, and what dropout will drop.
    """
    keras.utils.set_random_seed(seed)
    encoder = _encoder(settings, vocabulary_size)
    pooling = build_pooling(settings.attention)
    labels = LabelLayer(
        label_count, hidden_width=settings.hidden_width, dropout=settings.dropout, name="labels"
    )
    model: AnyClassifier
    if settings.sentences is None:
        model = Classifier(encoder, pooling, labels, name="classifier")
    else:
        model = HierarchicalClassifier(
            encoder,
            pooling,
            sentence_encoder=SentenceEncoder(
                settings.sentences.width,
                cell=settings.sentences.cell,
                dropout=settings.dropout,
                name="sentence_encoder",
            ),
            sentence_pooling=build_pooling(settings.sentences.attention, name="sentence_attention"),
            labels=labels,
            name="hierarchical_classifier",
        )
    two_tokens = tf.zeros([1, 2], tf.int32)
    model({"tokens": two_tokens, "lengths": tf.constant([2]), "sentence_ids": two_tokens})
    return model


def _encoder(settings: ClassifierSettings, vocabulary_size: int) -> Encoder:
    match settings.encoder:
        case RnnEncoderSettings() as rnn:
            return RnnEncoder(
                vocabulary_size,
                embedding_width=rnn.embedding_width,
                width=rnn.width,
                cell=rnn.cell,
                layers=rnn.layers,
                bidirectional=rnn.bidirectional,
                dropout=RnnDropout(inputs=settings.dropout),
                name="encoder",
            )
        case TransformerEncoderSettings() as transformer:
            return _transformer(
                transformer,
                vocabulary_size,
                dropout=settings.dropout,
                max_length=settings.max_source_tokens,
            )


def _transformer(
    settings: TransformerEncoderSettings, vocabulary_size: int, *, dropout: float, max_length: int
) -> TransformerEncoder:
    positions: keras.layers.Layer
    if settings.positions is PositionKind.SINUSOIDAL:
        positions = SinusoidalPositions(settings.width, name="positions")
    else:
        positions = LearnedPositions(settings.width, max_length=max_length, name="positions")
    tokens = TokenEmbedding(vocabulary_size, width=settings.width, name="tokens")
    shape = LayerShape(
        width=settings.width,
        feed_forward_width=settings.feed_forward_width,
        head_count=settings.head_count,
        dropout=dropout,
        activation=settings.activation,
        norm=settings.norm,
    )
    return TransformerEncoder(
        PositionedEmbedding(tokens, positions, dropout=dropout, name="embedding"),
        layer_count=settings.layers,
        shape=shape,
        name="encoder",
    )
