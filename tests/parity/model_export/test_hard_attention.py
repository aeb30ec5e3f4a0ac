"""Hard attention draws as it should, and its estimate of the gradient is right in the mean."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from model_export.attention import XuHardAttention
from model_export.config import HardInference, RnnSettings, XuHardSettings
from model_export.models import Seq2Seq, Seq2SeqOutput
from model_export.training.hard_attention import HardAttentionTerm, gradient_variance
from model_export.training.loss import token_losses
from tests.support.small_model import small_model

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


ROWS = 16_384
SETTINGS = XuHardSettings(units=4, expected_share=0.0, entropy_weight=0.0)


@pytest.fixture(scope="module")
def model() -> Seq2Seq:
    return small_model(
        RnnSettings(
            embedding_width=3,
            encoder_width=3,
            decoder_width=3,
            readout_width=3,
            dropout=0.5,
            attention=SETTINGS,
        )
    )


def _batch(rows: int) -> dict[str, tf.Tensor]:
    """The same pair again and again: three source tokens, two target tokens."""
    return {
        "tokens": tf.constant([[4, 5, 6]] * rows),
        "lengths": tf.fill([rows], 3),
        "target_inputs": tf.constant([[2, 5]] * rows),
        "targets": tf.constant([[5, 3]] * rows),
        "target_lengths": tf.fill([rows], 2),
    }


def _drawn_output(model: Seq2Seq, batch: dict[str, tf.Tensor]) -> Seq2SeqOutput:
    names = ("tokens", "lengths", "target_inputs")
    return model({name: batch[name] for name in names}, sampling=True)


def _log_likelihoods(output: Seq2SeqOutput, batch: dict[str, tf.Tensor]) -> tf.Tensor:
    losses = token_losses(output.logits, batch["targets"], target_lengths=batch["target_lengths"])
    return -tf.reduce_sum(losses, axis=-1)


@pytest.mark.parametrize("baseline", [0.0, -1.3])
def test_the_mean_of_the_estimate_is_the_exact_gradient(model: Seq2Seq, baseline: float) -> None:
    """Exact: the gradient of sum_s p(s) log p(y | s) over all nine ways to choose two places."""
    weights, batch = model.trainable_variables, _batch(ROWS)
    term = HardAttentionTerm(SETTINGS)
    term.variables[0].assign([baseline, 1.0])
    with tf.GradientTape(persistent=True) as tape:
        output = _drawn_output(model, batch)
        likelihoods = _log_likelihoods(output, batch)
        estimate = (-tf.reduce_sum(likelihoods) + term.loss(output, batch)) / ROWS
        places = tf.argmax(output.attention_heads[:, 0, 0], axis=-1).numpy()
        _, first_rows = np.unique(places, axis=0, return_index=True)
        probabilities = tf.exp(tf.reduce_sum(output.choice.log_probability, axis=-1))
        ways = tf.gather(probabilities, first_rows), tf.gather(likelihoods, first_rows)
        exact = -tf.reduce_sum(ways[0] * ways[1])
    assert len(first_rows) == 9
    assert float(tf.reduce_sum(ways[0])) == pytest.approx(1.0, abs=1e-5)
    estimated = tape.gradient(estimate, weights, unconnected_gradients="zero")
    expected = tape.gradient(exact, weights, unconnected_gradients="zero")
    for found, right in zip(estimated, expected, strict=True):
        found, right = tf.convert_to_tensor(found), tf.convert_to_tensor(right)
        np.testing.assert_allclose(found, right, atol=0.025)
    score = model.decoder.attention.score.score_projection.kernel
    (index,) = [place for place, weight in enumerate(weights) if weight is score]
    assert np.abs(tf.convert_to_tensor(expected[index])).max() > 0.025  # it has something to learn


def test_the_variance_falls_with_the_rows_and_with_a_baseline(model: Seq2Seq) -> None:
    term = HardAttentionTerm(SETTINGS)
    measure = gradient_variance(model, term)
    without = measure([_batch(64)] * 60)
    larger = measure([_batch(1024)] * 40)
    term.learn(_drawn_output(model, _batch(64)), _batch(64))
    with_baseline = measure([_batch(64)] * 60)
    assert 6 < without["gradient_variance"] / larger["gradient_variance"] < 40
    assert with_baseline["gradient_variance"] < without["gradient_variance"]
    # The mean gradient is the same; what is measured of it is not free of chance.
    assert larger["gradient_signal"] == pytest.approx(without["gradient_signal"], rel=0.5)


def test_the_baseline_is_the_moving_mean_of_a_tokens_reward(model: Seq2Seq) -> None:
    term, rewards = HardAttentionTerm(SETTINGS), []
    for rows in (1, 2, 3):
        batch = _batch(rows)
        output = _drawn_output(model, batch)
        rewards.append(float(tf.reduce_mean(_log_likelihoods(output, batch))) / 2)
        term.learn(output, batch)
    total, factors = term.variables[0].numpy()
    assert total == pytest.approx(sum(0.1 * 0.9 ** (2 - i) * r for i, r in enumerate(rewards)))
    assert factors == pytest.approx(1 - 0.9**3)


def test_entropy_counts_at_real_target_positions_alone(model: Seq2Seq) -> None:
    batch = _batch(3) | {"target_lengths": tf.constant([2, 1, 0])}
    output = _drawn_output(model, batch)
    term = HardAttentionTerm(XuHardSettings(reinforce_weight=0.0, entropy_weight=0.5))
    entropy = output.choice.entropy.numpy()
    expected = -0.5 * (entropy[0].sum() + entropy[1, 0])
    assert float(term.loss(output, batch)) == pytest.approx(expected, rel=1e-5)
