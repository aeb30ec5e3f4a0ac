"""Attention pooling in NumPy, one row over its real positions, written from the papers."""

from __future__ import annotations

import numpy as np

from tests.support.numpy_reference import FloatArray, sigmoid, softmax

Pooled = tuple[FloatArray, FloatArray]
"""Context [P] and weights [N, S]."""


def context_vector(values: FloatArray, w: FloatArray, b: FloatArray, u: FloatArray) -> Pooled:
    """Yang et al. 2016, eqs. 5 to 7, with W [units, D], b [units], u_w [units]."""
    scores = np.array([u @ np.tanh(w @ h + b) for h in values])
    weights = softmax(scores)
    return weighted(weights, values), weights[np.newaxis]


def feed_forward(values: FloatArray, w: FloatArray, b: float) -> Pooled:
    """Raffel and Ellis 2015, with a(h) = tanh(w . h + b)."""
    weights = softmax(np.array([np.tanh(w @ h + b) for h in values]))
    return weighted(weights, values), weights[np.newaxis]


def structured(values: FloatArray, w1: FloatArray, w2: FloatArray) -> Pooled:
    """Lin et al. 2017, eqs. 6 and 7, with W_s1 [units, D] and W_s2 [hops, units]."""
    scores = w2 @ np.tanh(w1 @ values.T)
    weights = np.stack([softmax(hop) for hop in scores])
    return np.concatenate([weighted(hop, values) for hop in weights]), weights


def redundancy(weights: FloatArray) -> float:
    """Lin et al. 2017, eq. 8: the squared Frobenius norm of A A^T - I."""
    total = 0.0
    for i, left in enumerate(weights):
        for j, right in enumerate(weights):
            total += float(left @ right - (i == j)) ** 2
    return total


def local_p_star(values: FloatArray, w: FloatArray, v: FloatArray, kept: int) -> Pooled:
    """The `kept` positions of the largest sigmoid(v . tanh(W h)), each with its share."""
    shares = np.array([sigmoid(v @ np.tanh(w @ h)) for h in values])
    order = sorted(range(len(values)), key=lambda s: (-shares[s], s))
    weights = np.zeros(len(values))
    weights[order[:kept]] = shares[order[:kept]]
    weights /= weights.sum()
    return weighted(weights, values), weights[np.newaxis]


def weighted(weights: FloatArray, values: FloatArray) -> FloatArray:
    """The sum of the values, weighted."""
    return np.sum([weight * value for weight, value in zip(weights, values, strict=True)], axis=0)
