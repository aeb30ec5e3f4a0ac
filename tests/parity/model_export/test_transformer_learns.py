"""Small truths that a Transformer learns: copying gives a diagonal, reversing an anti-diagonal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from model_export.config import TransformerSettings
from model_export.models import Seq2Seq, build_model

SYMBOLS, LENGTH, STEPS, ROWS = 8, 5, 250, 64
SETTINGS = TransformerSettings(
    encoder_layers=1,
    decoder_layers=1,
    width=32,
    feed_forward_width=32,
    head_count=1,
    dropout=0.0,
    max_source_tokens=LENGTH,
    max_target_tokens=LENGTH,
)
IntArray = NDArray[np.integer[Any]]


def _batch(order: Callable[[IntArray], IntArray], generator: np.random.Generator) -> Any:
    tokens = generator.integers(4, 4 + SYMBOLS, [ROWS, LENGTH])
    targets = order(tokens)
    inputs = np.concatenate([np.full([ROWS, 1], 2), targets[:, :-1]], axis=1)
    return (
        {
            "tokens": tf.constant(tokens, tf.int32),
            "lengths": tf.fill([ROWS], LENGTH),
            "target_inputs": tf.constant(inputs, tf.int32),
        },
        tf.constant(targets, tf.int32),
    )


def _trained(order: Callable[[IntArray], IntArray]) -> Seq2Seq:
    model = build_model(
        SETTINGS, source_vocabulary_size=4 + SYMBOLS, target_vocabulary_size=4 + SYMBOLS, seed=3
    )
    optimizer = keras.optimizers.Adam(5e-3)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(inputs: Any, targets: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=targets, logits=model(inputs, training=True).logits
            )
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)

    generator = np.random.default_rng(1)
    for _ in range(STEPS):
        step(*_batch(order, generator))
    return model


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        pytest.param(lambda tokens: tokens, np.arange(LENGTH), id="copy"),
        pytest.param(lambda tokens: tokens[:, ::-1], np.arange(LENGTH)[::-1], id="reverse"),
    ],
)
def test_attention_finds_the_place_each_output_comes_from(
    order: Callable[[IntArray], IntArray], expected: IntArray
) -> None:
    inputs, targets = _batch(order, np.random.default_rng(9))
    output = _trained(order)(inputs)
    assert np.mean(np.argmax(output.logits, axis=-1) == targets) > 0.98
    weights = output.attention_heads.numpy()[:, 0, 0]  # [B, T, S]
    assert np.mean(weights.argmax(-1) == expected) > 0.95
    assert weights[:, np.arange(LENGTH), expected].mean() > 0.7
