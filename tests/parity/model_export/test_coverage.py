"""Attention with coverage gives the equations of its paper, over several target positions."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from model_export.attention import Attention, build_attention
from model_export.config import BahdanauSettings, CoverageKind
from tests.support.numpy_reference import FloatArray, gru_step, sigmoid, softmax

WIDTH, UNITS, STEPS = 4, 5, 3
LENGTHS = [6, 3, 1, 0]
each_kind = pytest.mark.parametrize("kind", list(CoverageKind))


def _random(*shape: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def _layer(kind: CoverageKind, dtype: str = "float32") -> Attention:
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        settings = BahdanauSettings(units=UNITS, coverage=kind, coverage_width=3, max_fertility=1.5)
        layer = build_attention(settings, query_width=WIDTH, max_source_tokens=9)
        _run(layer, _random(1, 2, WIDTH), [2], dtype=layer.compute_dtype)
    finally:
        keras.config.set_dtype_policy(previous)
    for index, weight in enumerate(layer.weights):
        weight.assign(0.7 * _random(*weight.shape, seed=index + 1))
    return layer


def _run(
    layer: Attention, values: Any, lengths: list[int], *, dtype: str = "float32"
) -> tuple[list[Any], list[Any]]:
    """Contexts and weights of `STEPS` target positions."""
    values = tf.cast(values, dtype)
    state, contexts, weights = layer.initial_state(values), [], []
    for t in range(STEPS):
        output = layer(
            tf.cast(_random(values.shape[0], WIDTH, seed=t), dtype),
            projected_keys=layer.project_keys(values),
            values=values,
            mask=tf.sequence_mask(lengths, values.shape[1]),
            state=state,
        )
        state = output.state
        contexts.append(output.context)
        weights.append(output.weights)
    return contexts, weights


def _paper(layer: Any, queries: list[FloatArray], values: FloatArray) -> list[FloatArray]:
    """Tu et al. 2016, section 3: the weights of one row at every target position."""
    score, coverage = layer.score, layer.coverage
    w, u = score.query_projection.kernel.numpy(), score.key_projection.kernel.numpy()
    v, projection = score.score_projection.kernel.numpy()[:, 0], layer.coverage_projection.kernel
    counts = hasattr(coverage, "fertility")
    covered = np.zeros([len(values), 1 if counts else coverage.width])
    found = []
    for query in queries:
        energies = [
            v @ np.tanh(query @ w + value @ u + covered[j] @ projection.numpy())
            for j, value in enumerate(values)
        ]
        weights = softmax(np.array(energies))
        for j, value in enumerate(values):
            if counts:
                fertility = 1.5 * sigmoid(value @ coverage.fertility.kernel.numpy()[:, 0])
                covered[j] += weights[j] / fertility
            else:
                kernel, recurrent, bias = coverage.cell.get_weights()
                covered[j] = gru_step(
                    np.concatenate([[weights[j]], value, query]),
                    covered[j],
                    kernel=kernel,
                    recurrent_kernel=recurrent,
                    bias=bias,
                )
        found.append(weights)
    return found


@each_kind
def test_it_gives_what_the_paper_gives_at_every_position(kind: CoverageKind) -> None:
    layer, values = _layer(kind), _random(len(LENGTHS), max(LENGTHS), WIDTH)
    contexts, weights = _run(layer, values, LENGTHS)
    for row, length in enumerate(LENGTHS):
        queries = [_random(len(LENGTHS), WIDTH, seed=t)[row] for t in range(STEPS)]
        real = values[row, :length]
        expected = _paper(layer, queries, real) if length else [np.zeros(0)] * STEPS
        for t in range(STEPS):
            np.testing.assert_allclose(weights[t][row, :length], expected[t], atol=1e-5)
            np.testing.assert_allclose(contexts[t][row], expected[t] @ real, atol=1e-5)
            assert not weights[t].numpy()[row, length:].any()


@each_kind
def test_what_stands_in_padding_changes_nothing(kind: CoverageKind) -> None:
    layer, values = _layer(kind), _random(2, 4, WIDTH)
    _, narrow = _run(layer, values, [4, 2])
    values[1, 2:] = 50.0
    _, wide = _run(layer, np.concatenate([values, np.full([2, 3, WIDTH], 50.0)], axis=1), [4, 2])
    for one, other in zip(narrow, wide, strict=True):
        np.testing.assert_allclose(other[:, :4], one, atol=1e-6)
        assert not other.numpy()[:, 4:].any()


@each_kind
def test_bfloat16_gives_nearly_what_float32_gives(kind: CoverageKind) -> None:
    values = 0.3 * _random(3, 5, WIDTH)
    _, expected = _run(_layer(kind), values, [5, 1, 0])
    _, found = _run(_layer(kind, "mixed_bfloat16"), values, [5, 1, 0], dtype="bfloat16")
    for one, other in zip(expected, found, strict=True):
        assert other.dtype == tf.bfloat16
        np.testing.assert_allclose(tf.cast(other, "float32"), one, atol=0.04)


@each_kind
def test_gradients_through_the_coverage_are_those_of_finite_differences(
    kind: CoverageKind,
) -> None:
    layer, values = _layer(kind, "float64"), tf.Variable(_random(3, 5, WIDTH))
    picked = [tf.constant(_random(3, WIDTH, seed=40 + t)) for t in range(STEPS)]

    def objective() -> tf.Tensor:
        contexts, _ = _run(layer, values, [5, 3, 0], dtype="float64")
        return tf.add_n(
            [tf.reduce_sum(p * context) for p, context in zip(picked, contexts, strict=True)]
        )

    variables = [values, *(weight.value for weight in layer.trainable_weights)]
    with tf.GradientTape() as tape:
        loss = objective()
    gradients = tape.gradient(loss, variables)
    for index, (variable, gradient) in enumerate(zip(variables, gradients, strict=True)):
        direction, start = _random(*variable.shape, seed=index + 20), variable.numpy()
        heights = []
        for sign in (1.0, -1.0):
            variable.assign(start + sign * 1e-5 * direction)
            heights.append(float(objective()))
        variable.assign(start)
        slope = (heights[0] - heights[1]) / 2e-5
        assert float(tf.reduce_sum(gradient * direction)) == pytest.approx(slope, abs=1e-6)
