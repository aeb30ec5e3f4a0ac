"""Equality 1 for attention that makes one vector of many: the layers give the papers' equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from model_export.attention.pooling import (
    AttentionPooling,
    ContextVectorPooling,
    LocalPStarPooling,
    PooledOutput,
    StructuredSelfAttention,
    build_pooling,
    redundancy_penalty,
)
from model_export.config import (
    ContextVectorSettings,
    FeedForwardSettings,
    LocalPStarSettings,
    PoolingSettings,
    StructuredSettings,
)
from tests.support import numpy_pooling as paper
from tests.support.numpy_reference import FloatArray

WIDTH, UNITS, HOPS, KEPT = 4, 5, 3, 2
LENGTHS = [7, 4, 1, 0]
Reference = Callable[[Any, FloatArray], paper.Pooled]


def _context_vector(layer: Any, values: FloatArray) -> paper.Pooled:
    kernel, bias = layer.hidden.get_weights()
    return paper.context_vector(values, kernel.T, bias, layer.context_vector.kernel.numpy()[:, 0])


def _feed_forward(layer: Any, values: FloatArray) -> paper.Pooled:
    kernel, bias = layer.score.get_weights()
    return paper.feed_forward(values, kernel[:, 0], float(bias[0]))


def _structured(layer: Any, values: FloatArray) -> paper.Pooled:
    return paper.structured(values, layer.hidden.kernel.numpy().T, layer.hops.kernel.numpy().T)


def _local_p_star(layer: Any, values: FloatArray) -> paper.Pooled:
    w, v = layer.hidden.kernel.numpy().T, layer.score.kernel.numpy()[:, 0]
    return paper.local_p_star(values, w, v, KEPT)


CASES: dict[str, tuple[PoolingSettings, Reference]] = {
    "context_vector": (ContextVectorSettings(units=UNITS), _context_vector),
    "feed_forward": (FeedForwardSettings(), _feed_forward),
    "structured": (StructuredSettings(units=UNITS, hop_count=HOPS), _structured),
    "structured, one hop": (StructuredSettings(units=UNITS, hop_count=1), _structured),
    "local_p_star": (LocalPStarSettings(units=UNITS, kept_positions=KEPT), _local_p_star),
}
each_mechanism = pytest.mark.parametrize("name", list(CASES))


def _random(*shape: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def _layer(name: str, dtype: str = "float32") -> AttentionPooling:
    """The mechanism with random weights, the same in every number format."""
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        layer = build_pooling(CASES[name][0])
        _pool(layer, _random(1, 2, WIDTH), [2], dtype=dtype)
    finally:
        keras.config.set_dtype_policy(previous)
    for index, weight in enumerate(layer.weights):
        weight.assign(_random(*weight.shape, seed=index + 1))
    return layer


def _pool(
    layer: AttentionPooling, values: Any, lengths: list[int], *, dtype: str = "float32"
) -> PooledOutput:
    values = tf.cast(values, dtype)
    return layer(values, mask=tf.sequence_mask(lengths, values.shape[1]))


@each_mechanism
def test_it_gives_what_the_paper_gives(name: str) -> None:
    layer, reference = _layer(name), CASES[name][1]
    values = _random(len(LENGTHS), max(LENGTHS), WIDTH)
    context, weights = _pool(layer, values, LENGTHS)
    for row, length in enumerate(LENGTHS):
        assert not weights.numpy()[row, :, length:].any()
        if not length:
            assert not context.numpy()[row].any()
            continue
        expected_context, expected_weights = reference(layer, values[row, :length])
        np.testing.assert_allclose(weights[row, :, :length], expected_weights, atol=1e-5)
        np.testing.assert_allclose(context[row], expected_context, atol=1e-5)


@each_mechanism
def test_weights_sum_to_1(name: str) -> None:
    _, weights = _pool(_layer(name), _random(3, 6, WIDTH), [6, 3, 1])
    np.testing.assert_allclose(weights.numpy().sum(axis=-1), 1.0, atol=1e-6)


@each_mechanism
def test_what_stands_in_padding_changes_nothing(name: str) -> None:
    layer, values = _layer(name), _random(2, 4, WIDTH)
    narrow = _pool(layer, values, [4, 2])
    values[1, 2:] = 1e4
    wide = _pool(layer, np.concatenate([values, np.full([2, 7, WIDTH], 1e4)], axis=1), [4, 2])
    np.testing.assert_allclose(wide.weights[..., :4], narrow.weights, atol=1e-6)
    np.testing.assert_allclose(wide.context, narrow.context, atol=1e-6)
    assert not wide.weights.numpy()[..., 4:].any()


@each_mechanism
def test_bfloat16_gives_nearly_what_float32_gives(name: str) -> None:
    values = 0.3 * _random(3, 5, WIDTH)
    expected = _pool(_layer(name), values, [5, 1, 0])
    found = _pool(_layer(name, "bfloat16"), values, [5, 1, 0], dtype="bfloat16")
    assert found.weights.dtype == found.context.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(found.weights, "float32"), expected.weights, atol=0.03)
    np.testing.assert_allclose(tf.cast(found.context, "float32"), expected.context, atol=0.03)
    assert not tf.cast(found.weights, "float32").numpy()[1:, :, 1:].any()


@each_mechanism
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    layer = _layer(name, "float64")
    values = tf.Variable(_random(3, 5, WIDTH))

    def objective() -> tf.Tensor:
        context, weights = _pool(layer, values, [5, 3, 0], dtype="float64")
        picked = tf.constant(_random(*context.shape, seed=7)), tf.constant(_random(3, 5, seed=8))
        looked_at = tf.reduce_sum(picked[1][:, tf.newaxis] * weights)
        return tf.reduce_sum(picked[0] * context) + looked_at + redundancy_penalty(weights)[0]

    variables = [values, *(weight.value for weight in layer.trainable_weights)]
    with tf.GradientTape() as tape:
        loss = objective()
    gradients = tape.gradient(loss, variables, unconnected_gradients="zero")
    for index, (variable, gradient) in enumerate(zip(variables, gradients, strict=True)):
        direction, start = _random(*variable.shape, seed=index + 20), variable.numpy()
        heights = []
        for sign in (1.0, -1.0):
            variable.assign(start + sign * 1e-5 * direction)
            heights.append(float(objective()))
        variable.assign(start)
        slope = (heights[0] - heights[1]) / 2e-5
        assert np.isfinite(gradient.numpy()).all()
        assert float(tf.reduce_sum(gradient * direction)) == pytest.approx(slope, abs=1e-6)


def test_the_penalty_of_several_hops_is_that_of_the_paper() -> None:
    weights = np.abs(_random(2, HOPS, 5))
    weights /= weights.sum(axis=-1, keepdims=True)
    found = redundancy_penalty(tf.constant(weights))
    np.testing.assert_allclose(found, [paper.redundancy(row) for row in weights], atol=1e-9)


def test_hops_that_look_at_one_position_each_cost_nothing() -> None:
    assert redundancy_penalty(tf.eye(3, 5)[tf.newaxis]).numpy().tolist() == [0.0]
    same = tf.constant([[[1.0, 0.0], [1.0, 0.0]]])
    assert redundancy_penalty(same).numpy().tolist() == [2.0]


def test_local_p_star_keeps_no_more_than_it_may() -> None:
    _, weights = _pool(_layer("local_p_star"), _random(3, 6, WIDTH), [6, 2, 1])
    assert (weights.numpy() > 0).sum(axis=-1).tolist() == [[2], [2], [1]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ContextVectorPooling(0), "units must be 1 or more, not 0"),
        (lambda: StructuredSelfAttention(2, hop_count=0), "must be 1 or more, not 2 and 0"),
        (lambda: LocalPStarPooling(0, kept_positions=3), "must be 1 or more, not 0 and 3"),
    ],
)
def test_widths_and_counts_below_one_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
