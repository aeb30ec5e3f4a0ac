"""Where a classifier looks when the truth is known: one token decides, and attention finds it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from model_export.attention.pooling import build_pooling
from model_export.config import (
    ContextVectorSettings,
    FeedForwardSettings,
    LocalPStarSettings,
    PoolingSettings,
    StructuredSettings,
    TrainingSettings,
)
from model_export.encoders import EncoderOutput
from model_export.models.classifier import Classifier, HierarchicalClassifier, LabelLayer
from model_export.training.classifier_steps import classifier_training_step

LABELS, WORDS, LENGTH, WIDTH, ROWS = 3, 20, 9, 12, 64
FIRST_CLUE = 4
"""Ids 4, 5 and 6 are the clues to labels 0, 1 and 2; every other id means nothing."""
ATTENTION: dict[str, PoolingSettings] = {
    "context_vector": ContextVectorSettings(units=WIDTH),
    "feed_forward": FeedForwardSettings(),
    "structured": StructuredSettings(units=WIDTH, hop_count=2),
    "local_p_star": LocalPStarSettings(units=WIDTH, kept_positions=3),
}


class WordVectors(keras.layers.Layer):
    """Each value knows its own token, and nothing of its neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.supports_masking = True
        self.vectors = keras.layers.Embedding(WORDS, WIDTH)

    def compute_mask(self, *args: object, **kwargs: object) -> None:
        """Nothing: the mask comes as an argument."""

    def call(self, tokens: Any, *, mask: Any, training: bool = False) -> EncoderOutput:
        return EncoderOutput(self.vectors(tokens), tf.zeros([tf.shape(tokens)[0], 1]))


class AsTheyAre(keras.layers.Layer):
    """Sentence vectors that know nothing of their neighbours."""

    def __init__(self) -> None:
        super().__init__()
        self.supports_masking = True

    def compute_mask(self, *args: object, **kwargs: object) -> None:
        """Nothing: the mask comes as an argument."""

    def call(self, vectors: Any, *, mask: Any, training: bool = False) -> Any:
        return vectors


def _batch(seed: int) -> tuple[dict[str, Any], np.ndarray]:
    """Texts with one clue each, and where it stands."""
    random = np.random.default_rng([seed, 3])
    tokens = random.integers(FIRST_CLUE + LABELS, WORDS, [ROWS, LENGTH])
    lengths = random.integers(1, LENGTH, ROWS, endpoint=True)
    places, labels = random.integers(0, lengths), random.integers(0, LABELS, ROWS)
    tokens[np.arange(ROWS), places] = FIRST_CLUE + labels
    batch = {
        "tokens": tf.constant(tokens, tf.int32),
        "lengths": tf.constant(lengths, tf.int32),
        "sentence_ids": tf.constant(np.arange(LENGTH)[np.newaxis] // 3 + 0 * tokens, tf.int32),
        "labels": tf.constant(labels, tf.int32),
    }
    return batch, places


def _train(model: Any, steps: int, *, penalty: float = 0.0) -> None:
    batch, _ = _batch(0)
    model({name: values for name, values in batch.items() if name != "labels"})
    settings = TrainingSettings(jit_compile=False)
    step = classifier_training_step(
        model, keras.optimizers.Adam(0.03), settings, redundancy_penalties=[penalty]
    )
    for seed in range(1, steps + 1):
        step(_batch(seed)[0])


def _check_it_found_the_clue(model: Any) -> None:
    fresh, places = _batch(0)
    output = model(fresh)
    assert np.mean(tf.argmax(output.logits, axis=-1) == np.array(fresh["labels"])) > 0.98
    found = output.attention.numpy().argmax(axis=-1)
    assert np.mean(found == places) > 0.98


@pytest.mark.parametrize("kind", list(ATTENTION))
def test_attention_points_at_the_one_token_that_decides(kind: str) -> None:
    keras.utils.set_random_seed(1)
    model = Classifier(WordVectors(), build_pooling(ATTENTION[kind]), LabelLayer(LABELS))
    _train(model, 120)
    _check_it_found_the_clue(model)


def test_attention_finds_the_sentence_and_in_it_the_token_that_decides() -> None:
    keras.utils.set_random_seed(1)
    model = HierarchicalClassifier(
        WordVectors(),
        build_pooling(ATTENTION["context_vector"]),
        sentence_encoder=AsTheyAre(),
        sentence_pooling=build_pooling(ATTENTION["context_vector"]),
        labels=LabelLayer(LABELS),
    )
    _train(model, 120)
    _check_it_found_the_clue(model)
    fresh, places = _batch(0)
    sentences = model(fresh).sentence_attention.numpy().argmax(axis=-1)
    assert np.mean(sentences == places // 3) > 0.98


def test_the_penalty_keeps_hops_apart() -> None:
    redundancy = {}
    for penalty in (0.0, 1.0):
        keras.utils.set_random_seed(1)
        pooling = build_pooling(ATTENTION["structured"])
        model = Classifier(WordVectors(), pooling, LabelLayer(LABELS))
        _train(model, 40, penalty=penalty)
        redundancy[penalty] = float(tf.reduce_mean(model(_batch(0)[0]).redundancy))
    assert redundancy[1.0] < 0.7 * redundancy[0.0]
