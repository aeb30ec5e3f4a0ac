"""A small model with random weights in this process; needs TensorFlow."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from model_export.config import BahdanauSettings, RnnSettings

if TYPE_CHECKING:
    from model_export.models import Seq2Seq

SOURCE_VOCABULARY_SIZE = 11
TARGET_VOCABULARY_SIZE = 9
SETTINGS = RnnSettings(
    embedding_width=3,
    encoder_width=4,
    decoder_width=5,
    attention=BahdanauSettings(units=6),
    readout_width=7,
    dropout=0.5,
)
"""Widths that all differ, so that no two can be confused."""


@functools.cache
def small_model(settings: RnnSettings = SETTINGS) -> Seq2Seq:
    """The model, always the same one for the same settings; biases are random too."""
    from model_export.models import build_model

    model = build_model(
        settings,
        source_vocabulary_size=SOURCE_VOCABULARY_SIZE,
        target_vocabulary_size=TARGET_VOCABULARY_SIZE,
        seed=5,
    )
    generator = np.random.default_rng(5)
    for weight in model.trainable_variables:
        weight.assign(generator.normal(scale=0.6, size=weight.shape))
    return model


def random_inputs(source_lengths: list[int], target_length: int) -> dict[str, Any]:
    """Inputs of the model: random tokens, also where nothing may be read."""
    import tensorflow as tf

    generator = np.random.default_rng(len(source_lengths))
    rows, width = len(source_lengths), max(source_lengths)
    tokens = generator.integers(4, SOURCE_VOCABULARY_SIZE, [rows, width])
    targets = generator.integers(4, TARGET_VOCABULARY_SIZE, [rows, target_length])
    targets[:, 0] = 2
    return {
        "tokens": tf.constant(tokens, tf.int32),
        "lengths": tf.constant(source_lengths, tf.int32),
        "target_inputs": tf.constant(targets, tf.int32),
    }
