"""Equality 1 for scaled dot-product and multi-head attention."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from model_export.attention.multi_head import HeadMemory, MultiHeadAttention
from model_export.attention.scaled_dot_product import scaled_dot_product_attention
from tests.support.numpy_transformer import attend, attention_weights_of, multi_head

WIDTH, HEADS = 6, 3


def _random(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


@pytest.fixture(scope="module")
def attention() -> MultiHeadAttention:
    return _layer()


@pytest.fixture
def mixed_bfloat16() -> Iterator[None]:
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


def _layer() -> MultiHeadAttention:
    layer = MultiHeadAttention(WIDTH, head_count=HEADS)
    inputs = tf.zeros([1, 1, WIDTH])
    layer(inputs, memory=layer.project(inputs), mask=tf.ones([1, 1, 1, 1], tf.bool))
    for weight in layer.trainable_variables:
        weight.assign(0.5 * _random(*weight.shape))
    return layer


def test_scaled_dot_product_gives_what_the_paper_gives() -> None:
    queries, keys, values = _random(2, 3, 4), _random(2, 5, 4), _random(2, 5, 7)
    mask = tf.sequence_mask([5, 2], 5)[:, tf.newaxis]
    context, weights = scaled_dot_product_attention(
        tf.constant(queries), keys=tf.constant(keys), values=tf.constant(values), mask=mask
    )
    for row, length in enumerate([5, 2]):
        for t in range(3):
            expected = attend(queries[row, t], keys[row, :length], values[row, :length])
            np.testing.assert_allclose(context[row, t], expected[0], atol=1e-6)
            np.testing.assert_allclose(weights[row, t, :length], expected[1], atol=1e-6)
    assert not weights.numpy()[1, :, 2:].any()


@pytest.mark.parametrize("length", [1, 4, 5])
def test_multi_head_gives_what_the_paper_gives(attention: MultiHeadAttention, length: int) -> None:
    queries, inputs = _random(1, 3, WIDTH), _random(1, 5, WIDTH)
    context, weights = attention(
        tf.constant(queries),
        memory=attention.project(tf.constant(inputs)),
        mask=tf.sequence_mask([length], 5)[:, tf.newaxis, tf.newaxis],
    )
    expected, expected_weights = multi_head(
        queries[0],
        inputs[0],
        visible=lambda t: length,
        weights=attention_weights_of(attention),
        head_count=HEADS,
    )
    np.testing.assert_allclose(context[0], expected, atol=1e-5)
    np.testing.assert_allclose(weights[0], expected_weights, atol=1e-6)


def test_a_row_that_may_look_at_nothing_gets_nothing() -> None:
    values = tf.constant(_random(2, 3, 4))
    context, weights = scaled_dot_product_attention(
        values, keys=values, values=values, mask=tf.sequence_mask([0, 3], 3)[:, tf.newaxis]
    )
    assert not weights.numpy()[0].any()
    assert not context.numpy()[0].any()
    np.testing.assert_allclose(tf.reduce_sum(weights[1], axis=-1), np.ones(3), atol=1e-6)


def test_what_is_masked_changes_nothing_even_if_it_is_enormous(
    attention: MultiHeadAttention,
) -> None:
    inputs = _random(1, 5, WIDTH)
    mask = tf.sequence_mask([3], 5)[:, tf.newaxis, tf.newaxis]
    outputs = []
    for filler in (0.0, 1e30):
        inputs[:, 3:] = filler
        memory = attention.project(tf.constant(inputs))
        outputs.append(attention(tf.constant(_random(1, 2, WIDTH)), memory=memory, mask=mask))
    np.testing.assert_array_equal(outputs[0].weights, outputs[1].weights)
    np.testing.assert_allclose(outputs[0].context, outputs[1].context, atol=1e-6)


def test_in_bfloat16_the_softmax_is_that_of_float32(
    attention: MultiHeadAttention, mixed_bfloat16: None
) -> None:
    narrow = _layer()
    queries, inputs = tf.constant(_random(2, 3, WIDTH)), tf.constant(_random(2, 5, WIDTH))
    mask = tf.sequence_mask([5, 2], 5)[:, tf.newaxis, tf.newaxis]
    context, weights = narrow(queries, memory=narrow.project(inputs), mask=mask)
    wide = attention(queries, memory=attention.project(inputs), mask=mask)
    assert context.dtype == tf.bfloat16
    assert weights.dtype == tf.float32
    np.testing.assert_allclose(tf.reduce_sum(weights, axis=-1), np.ones([2, HEADS, 3]), atol=1e-6)
    np.testing.assert_allclose(weights, wide.weights, atol=0.05)
    np.testing.assert_allclose(tf.cast(context, tf.float32), wide.context, atol=0.1)


def test_the_gradient_is_that_of_finite_differences() -> None:
    arrays = [
        tf.constant(_random(1, 2, 4), tf.float64),
        tf.constant(_random(1, 3, 4), tf.float64),
        tf.constant(_random(1, 3, 5), tf.float64),
    ]

    def loss(queries: tf.Tensor, keys: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        context, _ = scaled_dot_product_attention(
            tf.cast(queries, tf.float32),
            keys=tf.cast(keys, tf.float32),
            values=tf.cast(values, tf.float32),
            mask=tf.constant([[[True, True, False], [True, True, True]]]),
        )
        return tf.reduce_sum(tf.sin(3.0 * context))

    _check_gradients(loss, arrays)


def _check_gradients(loss: Callable[..., tf.Tensor], arrays: list[tf.Tensor]) -> None:
    analytic, numeric = tf.test.compute_gradient(loss, arrays, delta=1e-2)
    for found, expected in zip(analytic, numeric, strict=True):
        np.testing.assert_allclose(found, expected, atol=5e-3)


def test_keys_and_values_of_a_source_are_those_of_its_parts(attention: MultiHeadAttention) -> None:
    inputs = tf.constant(_random(2, 5, WIDTH))
    whole = attention.project(inputs)
    first, rest = attention.project(inputs[:, :2]), attention.project(inputs[:, 2:])
    joined = HeadMemory(*(tf.concat(pair, axis=2) for pair in zip(first, rest, strict=True)))
    np.testing.assert_allclose(joined.keys, whole.keys, atol=1e-6)
    np.testing.assert_allclose(joined.values, whole.values, atol=1e-6)


def test_a_width_that_heads_cannot_share_is_refused() -> None:
    with pytest.raises(ValueError, match="width 6 is no multiple of head_count 4"):
        MultiHeadAttention(6, head_count=4)
