from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from model_export.training.loss import doubly_stochastic_penalty, token_loss_sum


def _logits(*probabilities: list[float]) -> tf.Tensor:
    return tf.math.log(tf.constant([list(probabilities)], tf.float32))


def test_it_is_the_negative_log_probability_of_the_targets() -> None:
    logits = _logits([0.5, 0.5], [0.25, 0.75])
    loss = token_loss_sum(logits, tf.constant([[0, 1]]), target_lengths=tf.constant([2]))
    assert float(loss) == pytest.approx(math.log(2) + math.log(4 / 3), abs=1e-6)


def test_positions_behind_the_length_count_for_nothing() -> None:
    logits = _logits([0.5, 0.5], [0.01, 0.99])
    loss = token_loss_sum(logits, tf.constant([[0, 0]]), target_lengths=tf.constant([1]))
    assert float(loss) == pytest.approx(math.log(2), abs=1e-6)


def test_an_empty_row_has_neither_loss_nor_gradient() -> None:
    logits = tf.Variable(np.full([1, 2, 3], 5.0, np.float32))
    with tf.GradientTape() as tape:
        loss = token_loss_sum(logits, tf.constant([[0, 0]]), target_lengths=tf.constant([0]))
    assert float(loss) == 0.0
    assert not np.asarray(tape.gradient(loss, logits)).any()


def test_label_smoothing_spreads_a_share_over_the_vocabulary() -> None:
    logits = _logits([0.2, 0.8])
    loss = token_loss_sum(
        logits, tf.constant([[1]]), target_lengths=tf.constant([1]), label_smoothing=0.1
    )
    expected = -0.9 * math.log(0.8) - 0.1 * (math.log(0.2) + math.log(0.8)) / 2
    assert float(loss) == pytest.approx(expected, abs=1e-6)


def test_the_doubly_stochastic_penalty_wants_every_position_looked_at_once() -> None:
    # One layer, one head, two steps over three positions, the last of them padding.
    weights = tf.constant([[[[[0.75, 0.25, 0.0], [0.5, 0.5, 0.0]]]]])
    one, two = (
        float(
            doubly_stochastic_penalty(
                weights, lengths=tf.constant([2]), target_lengths=tf.constant([steps])
            )
        )
        for steps in (1, 2)
    )
    assert one == pytest.approx(0.25**2 + 0.75**2)
    assert two == pytest.approx(0.25**2 + 0.25**2)


def test_the_penalty_counts_every_head_and_no_empty_row() -> None:
    weights = tf.zeros([2, 2, 3, 4, 5])
    penalty = doubly_stochastic_penalty(
        weights, lengths=tf.constant([2, 5]), target_lengths=tf.constant([4, 0])
    )
    assert float(penalty) == 2 * 3 * 2
