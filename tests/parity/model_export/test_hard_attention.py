"""Hard attention draws as it should, and its estimate of the gradient is right in the mean."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from model_export.attention import XuHardAttention
from model_export.config import HardInference

WIDTH = 3
LENGTHS = [4, 2, 1, 0]


def _attention(**arguments: object) -> XuHardAttention:
    attention = XuHardAttention(5, **arguments)  # type: ignore[arg-type]
    values = tf.ones([1, 2, WIDTH])
    attention(
        tf.ones([1, WIDTH]),
        projected_keys=attention.project_keys(values),
        values=values,
        mask=tf.fill([1, 2], True),
        state=attention.initial_state(values),
    )
    random = np.random.default_rng(3)
    for weight in attention.trainable_weights:
        weight.assign(random.normal(size=weight.shape))
    return attention


def _attend(attention: XuHardAttention, *, rows: int, sampling: bool) -> list[object]:
    """Three steps over sources of `LENGTHS`, each `rows` times."""
    random = np.random.default_rng(1)
    values = tf.repeat(tf.constant(random.normal(size=[4, 4, WIDTH]), tf.float32), rows, axis=0)
    query = tf.repeat(tf.constant(random.normal(size=[4, WIDTH]), tf.float32), rows, axis=0)
    mask = tf.repeat(tf.sequence_mask(LENGTHS, 4), rows, axis=0)
    state = attention.initial_state(values, sampling=sampling)
    outputs = []
    for _ in range(3):
        output = attention(
            query,
            projected_keys=attention.project_keys(values),
            values=values,
            mask=mask,
            state=state,
        )
        state = output.state
        outputs.append(output)
    return outputs


def test_places_are_drawn_as_often_as_the_weights_say() -> None:
    attention = _attention(expected_share=0.0)
    drawn = _attend(attention, rows=4000, sampling=True)
    alpha = _attend(_attention(inference=HardInference.EXPECTATION), rows=1, sampling=False)[0]
    for output in drawn:
        weights = output.weights.numpy()
        assert set(np.unique(weights)) <= {0.0, 1.0}
        shares = weights.reshape(4, 4000, 4).mean(axis=1)
        np.testing.assert_allclose(shares, alpha.weights, atol=0.04)
        chosen = np.log(
            np.maximum((weights * np.repeat(alpha.weights, 4000, axis=0)).sum(-1), 1e-30)
        )
        real = weights.any(axis=-1)
        np.testing.assert_allclose(
            output.choice.log_probability.numpy()[real], chosen[real], atol=1e-4
        )
    assert not np.array_equal(drawn[0].weights, drawn[1].weights)


def test_entropy_is_that_of_the_weights_and_rows_without_a_token_have_none() -> None:
    (first, *_) = _attend(_attention(inference=HardInference.EXPECTATION), rows=1, sampling=False)
    alpha = first.weights.numpy()
    expected = -(alpha * np.log(np.maximum(alpha, 1e-30))).sum(axis=-1)
    np.testing.assert_allclose(first.choice.entropy, expected, atol=1e-5)
    assert first.choice.entropy.numpy()[2:].tolist() == [0.0, 0.0]
    assert not first.choice.log_probability.numpy().any()  # nothing was drawn


def test_the_asked_share_of_rows_reads_the_expected_vector() -> None:
    outputs = _attend(_attention(expected_share=0.25), rows=2000, sampling=True)
    is_mean = [(output.weights.numpy()[:2000] % 1 > 0).any(axis=-1) for output in outputs]
    assert np.mean(is_mean[0]) == pytest.approx(0.25, abs=0.04)
    # A row does one or the other at all of its positions.
    assert np.array_equal(is_mean[0], is_mean[2])
    assert not outputs[0].choice.log_probability.numpy()[:2000][is_mean[0]].any()


def test_drawing_at_inference_gives_the_same_places_for_the_same_source() -> None:
    attention = _attention(inference=HardInference.SAMPLE)
    alone = _attend(attention, rows=1, sampling=False)
    batch = _attend(attention, rows=3, sampling=False)
    for one, many in zip(alone, batch, strict=True):
        assert set(np.unique(one.weights)) == {0.0, 1.0}
        np.testing.assert_array_equal(np.repeat(one.weights, 3, axis=0), many.weights)
