"""Attention in NumPy, one query at a time over its real positions, written from the papers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.support.numpy_reference import FloatArray, sigmoid, softmax

Score = Callable[[FloatArray, FloatArray, int], float]
"""The score of a query [Q] and the encoder state [D] at a position."""


def dot(query: FloatArray, value: FloatArray, position: int) -> float:
    """Luong et al. 2015, section 3.1: h_t . h_s."""
    return float(query @ value)


def general(w: FloatArray) -> Score:
    """Luong et al. 2015, section 3.1: h_t W_a h_s, with W_a [Q, D]."""
    return lambda query, value, position: float(query @ w @ value)


def concat(w: FloatArray, v: FloatArray) -> Score:
    """Luong et al. 2015, section 3.1: v_a . tanh(W_a [h_t; h_s]), with W_a [units, Q + D]."""
    return lambda query, value, position: float(v @ np.tanh(w @ np.concatenate([query, value])))


def location(w: FloatArray) -> Score:
    """Luong et al. 2015, eq. 8: (W_a h_t)_s, with W_a [longest source, Q]."""
    return lambda query, value, position: float((w @ query)[position])


def global_weights(query: FloatArray, values: FloatArray, score: Score) -> FloatArray:
    """Luong et al. 2015, eq. 7: softmax over all positions."""
    return softmax(np.array([score(query, value, s) for s, value in enumerate(values)]))


def local_weights(
    query: FloatArray,
    values: FloatArray,
    score: Score,
    *,
    center: float,
    half_width: int,
    hard_window: bool,
    gaussian: bool,
) -> FloatArray:
    """Luong et al. 2015, eq. 7 over the window [p - D, p + D], and eq. 10 with sigma = D / 2."""
    weights = np.zeros(len(values))
    window = [
        s
        for s in range(len(values))
        if not hard_window or center - half_width <= s <= center + half_width
    ]
    if window:
        weights[window] = softmax(np.array([score(query, values[s], s) for s in window]))
    if gaussian:
        sigma = half_width / 2
        positions = np.arange(len(values))
        weights *= np.exp(-((positions - center) ** 2) / (2 * sigma**2))
    return weights


def predicted_center(query: FloatArray, length: int, w: FloatArray, v: FloatArray) -> float:
    """Luong et al. 2015, eq. 9: S sigmoid(v_p . tanh(W_p h_t)), with W_p [units, Q]."""
    return float(length * sigmoid(v @ np.tanh(w @ query)))


def context_of(weights: FloatArray, values: FloatArray) -> FloatArray:
    """The sum of the values, weighted."""
    return np.sum([weight * value for weight, value in zip(weights, values, strict=True)], axis=0)
