"""The model's equations in NumPy, one row and one position at a time, written from the papers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]


def sigmoid(values: FloatArray) -> FloatArray:
    return 1.0 / (1.0 + np.exp(-values))


def softmax(scores: FloatArray) -> FloatArray:
    exponentials = np.exp(scores - scores.max())
    return exponentials / exponentials.sum()


def additive_attention(
    query: FloatArray, values: FloatArray, *, w: FloatArray, u: FloatArray, v: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Bahdanau et al. 2015, eqs. 5 and 6 and A.1.2: context [D] and weights [S] of one query.

    Args:
        query: s_{i-1}, [Q].
        values: h_1 .. h_S, [S, D].
        w: W_a, transposed, [Q, units].
        u: U_a, transposed, [D, units].
        v: v_a, [units].
    """
    scores = np.array([v @ np.tanh(query @ w + h @ u) for h in values])
    weights = softmax(scores)
    return sum(weight * h for weight, h in zip(weights, values, strict=True)), weights


def lstm_step(
    x: FloatArray,
    h: FloatArray,
    c: FloatArray,
    *,
    kernel: FloatArray,
    recurrent_kernel: FloatArray,
    bias: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Hochreiter, Schmidhuber 1997, with the forget gate of Gers et al. 2000: the new h and c.

    Args:
        x: Input, [X].
        h: State, [W].
        c: Memory, [W].
        kernel: Input, forget, candidate and output parts side by side, [X, 4 W].
        recurrent_kernel: Likewise, [W, 4 W].
        bias: Likewise, [4 W].
    """
    parts = np.split(x @ kernel + h @ recurrent_kernel + bias, 4)
    new_c = sigmoid(parts[1]) * c + sigmoid(parts[0]) * np.tanh(parts[2])
    return sigmoid(parts[3]) * np.tanh(new_c), new_c


def gru_step(
    x: FloatArray,
    h: FloatArray,
    *,
    kernel: FloatArray,
    recurrent_kernel: FloatArray,
    bias: FloatArray,
) -> FloatArray:
    """Cho et al. 2014, eqs. 5 to 8, with the reset gate after the matrix product.

    Args:
        x: Input, [X].
        h: State, [W].
        kernel: Update, reset and candidate parts side by side, [X, 3 W].
        recurrent_kernel: Likewise, [W, 3 W].
        bias: Of the input's part and of the state's part, [2, 3 W].
    """
    x_update, x_reset, x_candidate = np.split(x @ kernel + bias[0], 3)
    h_update, h_reset, h_candidate = np.split(h @ recurrent_kernel + bias[1], 3)
    update = sigmoid(x_update + h_update)
    reset = sigmoid(x_reset + h_reset)
    candidate = np.tanh(x_candidate + reset * h_candidate)
    return update * h + (1.0 - update) * candidate
