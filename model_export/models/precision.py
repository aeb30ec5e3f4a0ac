"""The number format that a model computes in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras

from model_export.config import TrainingPrecision


@contextmanager
def computing_in(precision: TrainingPrecision) -> Iterator[None]:
    """Layers made inside compute in this format; their weights are float32 all the same."""
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(str(precision))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(previous)
