"""Where attention looks when the truth is known: a copy is a diagonal, a reversal its mirror."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from model_export.attention import build_attention
from model_export.config import (
    AttentionKind,
    CellKind,
    DecoderKind,
    LuongLocalMonotonicSettings,
    LuongLocalPredictiveSettings,
    RnnSettings,
    TrainingSettings,
    XuHardSettings,
)
from model_export.decoders import BahdanauDecoder, LuongDecoder, build_cells
from model_export.encoders import EncoderOutput
from model_export.models import Seq2Seq
from model_export.training.hard_attention import HardAttentionTerm
from model_export.training.steps import training_step

VOCABULARY, LENGTH, WIDTH, HALF_WIDTH = 12, 6, 24, 2
STEPS, ROWS = 150, 64
ATTENTION = {
    **{str(kind): str(kind) for kind in AttentionKind},
    "luong_local_m": LuongLocalMonotonicSettings(half_width=HALF_WIDTH),
    # Without the hard window, outside of which the position that is being learnt has no gradient.
    "luong_local_p": LuongLocalPredictiveSettings(
        half_width=HALF_WIDTH, hard_window=False, units=WIDTH
    ),
}


class PlacesEncoder(keras.layers.Layer):
    """Each value knows its token and its place, and nothing of its neighbours.

    Whoever wants to copy must therefore look at the very place that is to be copied.
    """

    def __init__(self) -> None:
        super().__init__()
        self.supports_masking = True
        self.token_vectors = keras.layers.Embedding(VOCABULARY, WIDTH // 2)
        self.place_vectors = keras.layers.Embedding(LENGTH, WIDTH // 2)

    def compute_mask(self, *args: object, **kwargs: object) -> None:
        """Nothing: the mask comes as an argument."""

    def call(self, tokens: Any, *, mask: Any, training: bool = False) -> EncoderOutput:
        places = self.place_vectors(tf.zeros_like(tokens) + tf.range(tf.shape(tokens)[1]))
        values = tf.concat([self.token_vectors(tokens), places], axis=-1)
        return EncoderOutput(values, tf.ones([tf.shape(tokens)[0], 1]))


def _model(kind: str) -> Seq2Seq:
    keras.utils.set_random_seed(1)
    settings = RnnSettings(
        attention=ATTENTION[kind], bidirectional=False, encoder_width=WIDTH, decoder_width=WIDTH
    )
    common: dict[str, Any] = {
        "embedding_width": 4,
        "cells": build_cells(CellKind.GRU, WIDTH, 1),
        "attention": build_attention(
            settings.attention, query_width=WIDTH, max_source_tokens=LENGTH
        ),
    }
    if settings.decoder_kind is DecoderKind.LUONG:
        decoder: Any = LuongDecoder(VOCABULARY, attentional_width=WIDTH, **common)
    else:
        decoder = BahdanauDecoder(VOCABULARY, **common)
    readout = None if settings.decoder_kind is DecoderKind.LUONG else WIDTH
    model = Seq2Seq(
        PlacesEncoder(), decoder, target_vocabulary_size=VOCABULARY, readout_width=readout
    )
    model(_batch(0, copied=True))
    return model


def _batch(seed: int, *, copied: bool) -> dict[str, Any]:
    random = np.random.default_rng([seed, 5])
    sources = random.integers(4, VOCABULARY, [ROWS, LENGTH]).astype(np.int32)
    targets = sources if copied else sources[:, ::-1]
    begin = np.full([ROWS, 1], 2, np.int32)
    return {
        "tokens": tf.constant(sources),
        "lengths": tf.fill([ROWS], LENGTH),
        "target_inputs": tf.constant(np.concatenate([begin, targets[:, :-1]], axis=1)),
        "targets": tf.constant(targets),
        "target_lengths": tf.fill([ROWS], LENGTH),
    }


@functools.cache
def _trained(kind: str, *, copied: bool) -> tuple[float, np.ndarray]:
    """How many tokens are right on fresh data, 0 to 1, and the mean attention [T, S]."""
    model = _model(kind)
    settings = TrainingSettings(jit_compile=False)
    terms = [HardAttentionTerm(XuHardSettings())] if kind == "xu_hard" else []
    step: Callable[..., Any] = training_step(
        model, keras.optimizers.Adam(0.02), settings, terms=terms
    )
    for seed in range(1, STEPS + 1):
        step(_batch(seed, copied=copied))
    fresh = _batch(0, copied=copied)
    output = model(fresh)
    is_right = tf.argmax(output.logits, axis=-1, output_type=tf.int32) == fresh["targets"]
    heads = output.attention_heads[:, 0, 0]
    return float(np.mean(is_right)), np.mean(heads, axis=0)


@pytest.mark.parametrize("kind", list(ATTENTION))
def test_copying_gives_a_diagonal(kind: str) -> None:
    accuracy, attention = _trained(kind, copied=True)
    assert accuracy > 0.95
    assert attention.argmax(axis=-1).tolist() == list(range(LENGTH))


@pytest.mark.parametrize("kind", [kind for kind in ATTENTION if kind != "luong_local_m"])
def test_reversing_gives_an_anti_diagonal(kind: str) -> None:
    accuracy, attention = _trained(kind, copied=False)
    assert accuracy > 0.95
    assert attention.argmax(axis=-1).tolist() == list(range(LENGTH))[::-1]


def test_local_m_cannot_reverse_because_its_window_is_elsewhere() -> None:
    accuracy, attention = _trained("luong_local_m", copied=False)
    outside = np.abs(np.arange(LENGTH) - np.arange(LENGTH)[:, np.newaxis]) > HALF_WIDTH
    assert not attention[outside].any()
    assert accuracy < 0.7
