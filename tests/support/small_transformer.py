"""Small Transformers with random weights in this process; needs TensorFlow."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from model_export.config.transformer import (
    Activation,
    EmbeddingSharing,
    NormPlacement,
    PositionKind,
    TransformerSettings,
)

if TYPE_CHECKING:
    from model_export.models import Seq2Seq

VOCABULARY_SIZE = 11
PAPER = TransformerSettings(
    encoder_layers=2,
    decoder_layers=3,
    width=8,
    feed_forward_width=10,
    head_count=2,
    dropout=0.5,
    norm=NormPlacement.POST,
    embeddings=EmbeddingSharing.ALL,
    max_source_tokens=12,
    max_target_tokens=12,
)
"""As in the paper: post-norm, ReLU, waves, one table of vectors."""

MODERN = PAPER.model_copy(
    update={
        "norm": NormPlacement.PRE,
        "activation": Activation.GELU,
        "positions": PositionKind.LEARNED,
        "embeddings": EmbeddingSharing.NONE,
    }
)
"""Everything that can be chosen chosen otherwise."""


@functools.cache
def small_transformer(settings: TransformerSettings) -> Seq2Seq:
    """A model of these settings, always the same one; biases are random too."""
    from model_export.models import build_model

    model = build_model(
        settings,
        source_vocabulary_size=VOCABULARY_SIZE,
        target_vocabulary_size=VOCABULARY_SIZE,
        seed=5,
    )
    generator = np.random.default_rng(5)
    for weight in model.trainable_variables:
        mean = 1.0 if weight.path.endswith("gamma") else 0.0
        weight.assign(generator.normal(mean, 0.5, size=weight.shape))
    return model
