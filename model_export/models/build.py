"""Models from settings."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.config import ModelSettings
from model_export.decoders import GRUDecoder
from model_export.encoders import GRUEncoder
from model_export.models.seq2seq import Seq2Seq


def build_model(
    settings: ModelSettings,
    *,
    source_vocabulary_size: int,
    target_vocabulary_size: int,
    seed: int = 1,
) -> Seq2Seq:
    """A model with all its weights, drawn from `seed`.

    Keras' global random state is set to the seed: the same settings give the same weights.

    Args:
        settings: What the model looks like.
        source_vocabulary_size: Number of source ids, 4 or more.
        target_vocabulary_size: Number of target ids, 4 or more.
        seed: Decides the weights, and what dropout will drop.
    """
    keras.utils.set_random_seed(seed)
    encoder = GRUEncoder(
        source_vocabulary_size,
        embedding_width=settings.embedding_width,
        width=settings.encoder_width,
        dropout=settings.dropout,
        name="encoder",
    )
    decoder = GRUDecoder(
        target_vocabulary_size,
        embedding_width=settings.embedding_width,
        width=settings.decoder_width,
        attention_units=settings.attention_units,
        dropout=settings.dropout,
        name="decoder",
    )
    model = Seq2Seq(
        encoder,
        decoder,
        target_vocabulary_size=target_vocabulary_size,
        readout_width=settings.readout_width,
        dropout=settings.dropout,
        name="seq2seq",
    )
    model(
        {
            "tokens": tf.zeros([1, 2], tf.int32),
            "lengths": tf.constant([2]),
            "target_inputs": tf.zeros([1, 2], tf.int32),
        }
    )
    return model
