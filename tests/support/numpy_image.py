"""The encoder of pictures, written from its equations in NumPy, one picture at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def convolution(values: Array, kernel: Array, bias: Array) -> Array:
    """relu(W * x + b) over 3 x 3 positions of [W, H, D], 0 beyond the edges."""
    across, down, _ = values.shape
    padded = np.pad(values, [(1, 1), (1, 1), (0, 0)])
    output = np.zeros([across, down, kernel.shape[-1]])
    for i in range(across):
        for j in range(down):
            output[i, j] = np.einsum("abd,abde->e", padded[i : i + 3, j : j + 3], kernel) + bias
    return np.maximum(output, 0.0)


def pooling(values: Array) -> Array:
    """The largest of every 2 x 2 positions of [W, H, D]."""
    across, down, width = values.shape
    return values.reshape(across // 2, 2, down // 2, 2, width).max(axis=(1, 3))


def waves(count: int, width: int) -> Array:
    """Vaswani et al. 2017, 3.5: [count, width]."""
    angles = np.arange(count)[:, None] / 10_000.0 ** (np.arange(0, width, 2) / width)
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(count, width)


def annotations(
    columns: Array, layers: list[tuple[Array, Array]], *, poolings: int, positions: bool
) -> Array:
    """The annotations of one picture, [places, D], column by column.

    Args:
        columns: Its columns of pixels, [W, H, C].
        layers: Kernel and bias of each convolution.
        poolings: After so many of them the picture is halved.
        positions: Whether columns and rows are added.
    """
    cell = 2**poolings
    real = np.ones([len(columns)], bool)
    missing = -len(columns) % cell
    values = np.pad(columns / 127.5 - 1.0, [(0, missing), (0, 0), (0, 0)])
    real = np.pad(real, [(0, missing)])
    for index, (kernel, bias) in enumerate(layers):
        values = convolution(values, kernel, bias) * real[:, None, None]
        if index < poolings:
            values = pooling(values)
            real = real.reshape(-1, 2).any(axis=1)
    if positions:
        across, down, width = values.shape
        values[:, :, : width // 2] += waves(across, width // 2)[:, None]
        values[:, :, width // 2 :] += waves(down, width // 2)[None]
    return values.reshape(-1, values.shape[-1])
