"""Curves for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

from model_export.errors import RunError


class TensorBoardLog:
    """Writes scalars that `tensorboard --logdir` shows.

    Args:
        folder: Where the event files go.

    Raises:
        RunError: The files cannot be written; also from the methods.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._writer = tf.summary.create_file_writer(str(folder))
        except tf.errors.OpError as error:
            raise RunError(f"cannot write {folder}: {error.message}") from error

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Adds one point to each curve."""
        try:
            with self._writer.as_default(step=step):
                for name, value in values.items():
                    tf.summary.scalar(name, value)
            self._writer.flush()
        except tf.errors.OpError as error:
            raise RunError(f"cannot write {self._folder}: {error.message}") from error

    def close(self) -> None:
        """Closes the files."""
        self._writer.close()
