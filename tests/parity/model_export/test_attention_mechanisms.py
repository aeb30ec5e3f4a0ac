"""Equality 1 for every mechanism of a recurrent decoder: the layers give the papers' equations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from model_export.attention import Attention, AttentionOutput, build_attention
from model_export.config import (
    AttentionSettings,
    BahdanauSettings,
    LuongConcatSettings,
    LuongDotSettings,
    LuongGeneralSettings,
    LuongLocalMonotonicSettings,
    LuongLocalPredictiveSettings,
    LuongLocationSettings,
    ScoreKind,
    XuHardSettings,
    XuSoftSettings,
)
from tests.support import numpy_attention as paper
from tests.support.numpy_reference import FloatArray, sigmoid

WIDTH, UNITS, LONGEST = 4, 5, 9
LENGTHS = [7, 4, 1, 0]
STEPS = 3


@dataclass(frozen=True)
class Reference:
    """A mechanism as its paper writes it, with a layer's own weights."""

    weights: Callable[[Any, FloatArray, FloatArray, int], FloatArray]
    context_scale: Callable[[Any, FloatArray], float] = lambda layer, query: 1.0


def _concat(score: Any) -> paper.Score:
    w = np.concatenate(
        [score.query_projection.kernel.numpy(), score.key_projection.kernel.numpy()]
    ).T
    return paper.concat(w, score.score_projection.kernel.numpy()[:, 0])


def _general(score: Any) -> paper.Score:
    return paper.general(score.key_projection.kernel.numpy().T)


def _location(score: Any) -> paper.Score:
    return paper.location(score.position_projection.kernel.numpy().T)


def _global(score_of: Callable[[Any], paper.Score]) -> Reference:
    return Reference(
        lambda layer, query, values, t: paper.global_weights(query, values, score_of(layer.score))
    )


def _local(
    score_of: Callable[[Any], paper.Score], *, predictive: bool, hard: bool, gaussian: bool
) -> Reference:
    def weights(layer: Any, query: FloatArray, values: FloatArray, t: int) -> FloatArray:
        center = float(t)
        if predictive:
            w, v = layer.position_hidden.kernel.numpy().T, layer.position_projection.kernel.numpy()
            center = paper.predicted_center(query, len(values), w, v[:, 0])
        return paper.local_weights(
            query,
            values,
            score_of(layer.score),
            center=center,
            half_width=2,
            hard_window=hard,
            gaussian=gaussian,
        )

    return Reference(weights)


def _gate(layer: Any, query: FloatArray) -> float:
    kernel, bias = layer.gate.get_weights()
    return float(sigmoid(query @ kernel[:, 0] + bias[0]))


def _one_place(layer: Any, query: FloatArray, values: FloatArray, t: int) -> FloatArray:
    alpha = paper.global_weights(query, values, _concat(layer.score))
    return (np.arange(len(alpha)) == np.argmax(alpha)).astype(float)


def _m(score: ScoreKind, *, hard: bool = True, gaussian: bool = False) -> AttentionSettings:
    return LuongLocalMonotonicSettings(
        score=score, units=UNITS, half_width=2, hard_window=hard, gaussian=gaussian
    )


def _p(score: ScoreKind, *, hard: bool = True) -> AttentionSettings:
    return LuongLocalPredictiveSettings(score=score, units=UNITS, half_width=2, hard_window=hard)


def _dot(score: Any) -> paper.Score:
    return paper.dot


CASES: dict[str, tuple[AttentionSettings, Reference]] = {
    "bahdanau": (BahdanauSettings(units=UNITS), _global(_concat)),
    "xu_soft": (
        XuSoftSettings(units=UNITS),
        Reference(_global(_concat).weights, context_scale=_gate),
    ),
    "xu_soft without gate": (XuSoftSettings(units=UNITS, gate=False), _global(_concat)),
    "xu_hard": (XuHardSettings(units=UNITS), Reference(_one_place, context_scale=_gate)),
    "xu_hard, expected": (
        XuHardSettings(units=UNITS, inference="expectation"),
        Reference(_global(_concat).weights, context_scale=_gate),
    ),
    "luong_dot": (LuongDotSettings(), _global(_dot)),
    "luong_general": (LuongGeneralSettings(), _global(_general)),
    "luong_concat": (LuongConcatSettings(units=UNITS), _global(_concat)),
    "luong_location": (LuongLocationSettings(), _global(_location)),
    "local_m": (
        _m(ScoreKind.GENERAL),
        _local(_general, predictive=False, hard=True, gaussian=False),
    ),
    "local_m with a gaussian": (
        _m(ScoreKind.DOT, hard=False, gaussian=True),
        _local(_dot, predictive=False, hard=False, gaussian=True),
    ),
    "local_p dot": (
        _p(ScoreKind.DOT),
        _local(_dot, predictive=True, hard=True, gaussian=True),
    ),
    "local_p general": (
        _p(ScoreKind.GENERAL),
        _local(_general, predictive=True, hard=True, gaussian=True),
    ),
    "local_p concat, no window": (
        _p(ScoreKind.CONCAT, hard=False),
        _local(_concat, predictive=True, hard=False, gaussian=True),
    ),
}
each_mechanism = pytest.mark.parametrize("name", list(CASES))


def _random(*shape: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def _layer(name: str, dtype: str = "float32") -> Attention:
    """The mechanism with random weights, the same in every number format."""
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        layer = build_attention(CASES[name][0], query_width=WIDTH, max_source_tokens=LONGEST)
        _attend(layer, _random(1, WIDTH), _random(1, 2, WIDTH), [2], dtype=dtype)
    finally:
        keras.config.set_dtype_policy(previous)
    for index, weight in enumerate(layer.weights):
        weight.assign(_random(*weight.shape, seed=index + 1))
    return layer


def _attend(
    layer: Attention,
    query: Any,
    values: Any,
    lengths: list[int],
    *,
    dtype: str = "float32",
    state: Any = None,
) -> AttentionOutput:
    query, values = tf.cast(query, dtype), tf.cast(values, dtype)
    return layer(
        query,
        projected_keys=layer.project_keys(values),
        values=values,
        mask=tf.sequence_mask(lengths, values.shape[1]),
        state=layer.initial_state(values) if state is None else state,
    )


@each_mechanism
def test_it_gives_what_the_paper_gives_at_every_step(name: str) -> None:
    layer, reference = _layer(name), CASES[name][1]
    values = _random(len(LENGTHS), max(LENGTHS), WIDTH)
    state = layer.initial_state(tf.constant(values))
    for t in range(STEPS):
        query = _random(len(LENGTHS), WIDTH, seed=t)
        context, weights, state, _ = _attend(layer, query, values, LENGTHS, state=state)
        for row, length in enumerate(LENGTHS):
            assert not weights.numpy()[row, length:].any()
            if not length:
                assert not context.numpy()[row].any()
                continue
            real = values[row, :length]
            expected = reference.weights(layer, query[row], real, t)
            np.testing.assert_allclose(weights[row, :length], expected, atol=1e-5)
            scaled = reference.context_scale(layer, query[row]) * paper.context_of(expected, real)
            np.testing.assert_allclose(context[row], scaled, atol=1e-5)


@each_mechanism
def test_weights_sum_to_1_unless_the_contract_says_otherwise(name: str) -> None:
    layer = _layer(name)
    _, weights, _, _ = _attend(layer, _random(3, WIDTH), _random(3, 6, WIDTH), [6, 3, 1])
    sums = weights.numpy().sum(axis=-1)
    if name.startswith("local"):
        assert np.all((sums >= 0.0) & (sums <= 1.0 + 1e-6))
    else:
        np.testing.assert_allclose(sums, 1.0, atol=1e-6)


@each_mechanism
def test_what_stands_in_padding_changes_nothing(name: str) -> None:
    layer, query, values = _layer(name), _random(2, WIDTH), _random(2, 4, WIDTH)
    narrow = _attend(layer, query, values, [4, 2])
    filler = np.full([2, 7, WIDTH], 1e4)
    values[1, 2:] = 1e4
    wide = _attend(layer, query, np.concatenate([values, filler], axis=1), [4, 2])
    np.testing.assert_allclose(wide.weights[:, :4], narrow.weights, atol=1e-6)
    np.testing.assert_allclose(wide.context, narrow.context, atol=1e-6)
    assert not wide.weights.numpy()[:, 4:].any()


@each_mechanism
def test_bfloat16_gives_nearly_what_float32_gives(name: str) -> None:
    # Sources of one token and of none as well; no distance to the window's edge is a close call.
    query, values = 0.3 * _random(3, WIDTH), 0.3 * _random(3, 5, WIDTH)
    expected = _attend(_layer(name), query, values, [5, 1, 0])
    found = _attend(_layer(name, "bfloat16"), query, values, [5, 1, 0], dtype="bfloat16")
    assert found.weights.dtype == found.context.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(found.weights, "float32"), expected.weights, atol=0.03)
    np.testing.assert_allclose(tf.cast(found.context, "float32"), expected.context, atol=0.03)
    assert not tf.cast(found.weights, "float32").numpy()[1:, 1:].any()


@each_mechanism
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    layer = _layer(name, "float64")
    query, values = tf.Variable(_random(3, WIDTH)), tf.Variable(_random(3, 5, WIDTH))
    picked = tf.constant(_random(3, WIDTH, seed=7)), tf.constant(_random(3, 5, seed=8))

    def objective() -> tf.Tensor:
        output = _attend(layer, query, values, [5, 3, 0], dtype="float64")
        return tf.reduce_sum(picked[0] * output.context) + tf.reduce_sum(picked[1] * output.weights)

    variables = [query, values, *(weight.value for weight in layer.trainable_weights)]
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


def test_the_predicted_position_learns_through_the_gaussian() -> None:
    layer = _layer("local_p general")
    with tf.GradientTape() as tape:
        context, _, _, _ = _attend(layer, _random(1, WIDTH), _random(1, 6, WIDTH), [6])
        loss = tf.reduce_sum(context)
    gradient = tape.gradient(loss, layer.position_hidden.kernel.value)
    assert np.abs(gradient.numpy()).max() > 1e-4


def test_a_target_far_behind_its_source_reads_nothing_with_local_m() -> None:
    layer = _layer("local_m")
    context, weights, state, _ = _attend(
        layer, _random(1, WIDTH), _random(1, 3, WIDTH), [3], state=tf.constant([5])
    )
    assert not weights.numpy().any()
    assert not context.numpy().any()
    assert state.numpy().tolist() == [6]


def test_the_score_dot_refuses_a_query_of_another_width() -> None:
    layer = build_attention(LuongDotSettings(), query_width=3, max_source_tokens=9)
    with pytest.raises(ValueError, match="a query as wide as the values, 4, not 3"):
        _attend(layer, _random(1, 3), _random(1, 2, WIDTH), [2])
