"""Equality 1 for attention: the layer gives what the paper's equations give."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from model_export.attention import AttentionOutput, BahdanauAttention
from model_export.attention.base import masked_softmax
from tests.support.numpy_reference import additive_attention

UNITS, QUERY_WIDTH, VALUE_WIDTH = 5, 4, 6


@pytest.fixture(scope="module")
def attention() -> BahdanauAttention:
    tf.keras.utils.set_random_seed(3)
    layer = BahdanauAttention(UNITS)
    values = tf.zeros([1, 1, VALUE_WIDTH])
    _attend(layer, tf.zeros([1, QUERY_WIDTH]), values, tf.constant([[True]]))
    return layer


def _attend(
    layer: BahdanauAttention, query: tf.Tensor, values: tf.Tensor, mask: tf.Tensor
) -> AttentionOutput:
    keys = layer.project_keys(values)
    return layer(query, projected_keys=keys, values=values, mask=mask, state=())


def _random(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def test_it_gives_what_the_paper_gives(attention: BahdanauAttention) -> None:
    query, values, lengths = _random(3, QUERY_WIDTH), _random(3, 7, VALUE_WIDTH), [7, 4, 1]
    mask = tf.sequence_mask(lengths, 7)
    context, weights, _, _ = _attend(attention, tf.constant(query), tf.constant(values), mask)
    for row, length in enumerate(lengths):
        expected_context, expected_weights = additive_attention(
            query[row],
            values[row, :length],
            w=attention.score.query_projection.kernel.numpy(),
            u=attention.score.key_projection.kernel.numpy(),
            v=attention.score.score_projection.kernel.numpy()[:, 0],
        )
        np.testing.assert_allclose(weights[row, :length], expected_weights, atol=1e-6)
        np.testing.assert_allclose(context[row], expected_context, atol=1e-6)


def test_weights_are_zero_where_masked_and_sum_to_one(attention: BahdanauAttention) -> None:
    mask = tf.sequence_mask([5, 2], 5)
    _, weights, _, _ = _attend(
        attention, tf.constant(_random(2, QUERY_WIDTH)), tf.constant(_random(2, 5, 6)), mask
    )
    assert weights.numpy()[1, 2:].tolist() == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(tf.reduce_sum(weights, axis=-1), [1.0, 1.0], atol=1e-6)


def test_what_stands_in_masked_positions_changes_nothing(attention: BahdanauAttention) -> None:
    query, values = tf.constant(_random(1, QUERY_WIDTH)), _random(1, 5, VALUE_WIDTH)
    mask = tf.sequence_mask([3], 5)
    context, weights, _, _ = _attend(attention, query, tf.constant(values), mask)
    values[:, 3:] = 1e6
    other_context, other_weights, _, _ = _attend(attention, query, tf.constant(values), mask)
    np.testing.assert_array_equal(context, other_context)
    np.testing.assert_array_equal(weights, other_weights)


def test_a_row_with_nothing_unmasked_has_no_weights(attention: BahdanauAttention) -> None:
    context, weights, _, _ = _attend(
        attention,
        tf.constant(_random(1, QUERY_WIDTH)),
        tf.constant(_random(1, 4, VALUE_WIDTH)),
        tf.zeros([1, 4], tf.bool),
    )
    assert weights.numpy().tolist() == [[0.0] * 4]
    assert context.numpy().tolist() == [[0.0] * VALUE_WIDTH]


def test_the_gradient_of_an_all_masked_row_is_finite(attention: BahdanauAttention) -> None:
    values = tf.Variable(_random(1, 4, VALUE_WIDTH))
    with tf.GradientTape() as tape:
        context, _, _, _ = _attend(
            attention, tf.ones([1, QUERY_WIDTH]), values, tf.zeros([1, 4], tf.bool)
        )
    gradient = tape.gradient(context, values)
    assert np.isfinite(gradient.numpy()).all()


def test_the_masked_softmax_can_be_checked_by_hand() -> None:
    scores = tf.constant([[0.0, np.log(3.0), 50.0]])
    weights = masked_softmax(scores, tf.constant([[True, True, False]]))
    np.testing.assert_allclose(weights, [[0.25, 0.75, 0.0]], atol=1e-7)


def test_the_masked_softmax_bears_very_large_scores() -> None:
    weights = masked_softmax(tf.constant([[3e38, -3e38]]), tf.constant([[True, True]]))
    assert weights.numpy().tolist() == [[1.0, 0.0]]


def test_units_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="units must be 1 or more, not 0"):
        BahdanauAttention(0)
